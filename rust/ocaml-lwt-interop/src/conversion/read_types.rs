//! How the types that ocaml-rs and this crate convert are read.

use std::collections::{BTreeMap, LinkedList};

use ocaml::Value;

use super::crossing::{FromOCaml, Reading};
use super::float::Float;
use super::frame::Frame;
use super::int::narrow;
use super::read::part;
use super::shape::{is_array, is_block, is_constant, is_list};
use crate::caml::alloc::{self, Custom};
use crate::caml::{self, Live, Root};
use crate::values::{
    ByteBuf, Nativeint, OCamlBytes, OCamlChar, OCamlFileDescr, OCamlList, OCamlUchar, OCamlValue,
};

// How each type is read, and whether a value has its shape. To read is an unsafe function, and what stands here is its body: the value
// is live and of the type, and so it says to what it calls.
macro_rules! read {
    ($([$($generics:tt)*] $ty:ty, $float:expr, $reading:expr, |$frame:ident| $how:expr, |$value:ident| $has_shape:expr;)*) => {$(
        // SAFETY: copied, or rooted, or its parts are
        unsafe impl<$($generics)*> FromOCaml for $ty {
            const FLOAT: Float = $float;
            const READING: Reading = $reading;

            #[inline]
            unsafe fn read($frame: &Frame<'_>) -> Self {
                // SAFETY: the value is of this type, and live, by the caller's word, and so are its parts
                #[allow(unused_unsafe)]
                unsafe { $how }
            }

            fn has_shape($value: Live<'_>) -> bool {
                $has_shape
            }
        }
    )*};
}

macro_rules! read_numbers {
    ($($ty:ty, $reading:ident: |$frame:ident| $how:expr, |$value:ident| $has_shape:expr;)*) => {
        read! { $([] $ty, Float::Never, Reading::$reading, |$frame| $how, |$value| $has_shape;)* }
    };
}

read_numbers! {
    (), Plain: |_frame| (), |value| is_constant(value, 1);
    bool, Plain: |frame| frame.int() != 0, |value| is_constant(value, 2);
    u8, Panics: |frame| narrow(frame.int()), |value| value.is_immediate();
    i8, Panics: |frame| narrow(frame.int()), |value| value.is_immediate();
    u16, Panics: |frame| narrow(frame.int()), |value| value.is_immediate();
    i16, Panics: |frame| narrow(frame.int()), |value| value.is_immediate();
    isize, Plain: |frame| frame.int(), |value| value.is_immediate();
    usize, Panics: |frame| narrow(frame.int()), |value| value.is_immediate();
    i32, Plain: |frame| alloc::number(frame.value(), 1), |value| Custom::Int32(0).is_like(value);
    u32, Panics: |frame| narrow(alloc::number::<i32>(frame.value(), 1)), |value| Custom::Int32(0).is_like(value);
    i64, Plain: |frame| alloc::number(frame.value(), 1), |value| Custom::Int64(0).is_like(value);
    u64, Panics: |frame| narrow(alloc::number::<i64>(frame.value(), 1)), |value| Custom::Int64(0).is_like(value);
    OCamlChar, Panics: |frame| OCamlChar::of_int(frame.int()), |value| value.is_immediate();
    OCamlUchar, Panics: |frame| OCamlUchar::of_int(frame.int()), |value| value.is_immediate();
    OCamlFileDescr, Panics: |frame| OCamlFileDescr::of_int(frame.int()), |value| value.is_immediate();
    Nativeint, Plain: |frame| Nativeint(alloc::number(frame.value(), 1)), |value| Custom::Nativeint(0).is_like(value);
}

read! {
    [] f64, Float::Always, Reading::Plain, |frame| alloc::number(frame.value(), 0), |value| value.double().is_some();
    [] f32, Float::Always, Reading::Plain, |frame| alloc::number::<f64>(frame.value(), 0) as f32, |value| value.double().is_some();
    [] ByteBuf, Float::Never, Reading::Plain,
        |frame| ByteBuf(caml::string_bytes(frame.value())),
        |value| value.is_string();
    [] OCamlBytes, Float::Never, Reading::Plain,
        |frame| OCamlBytes(caml::string_bytes(frame.value())),
        |value| value.is_string();
    [] String, Float::Never, Reading::Panics,
        |frame| text(caml::string_bytes(frame.value())),
        |value| value.is_string();
    [const N: usize] [u8; N], Float::Never, Reading::Panics,
        |frame| array(caml::string_bytes(frame.value())),
        |value| value.bytes().is_some_and(|bytes| bytes.len() == N);

    [] OCamlValue, Float::Maybe, Reading::Plain, |frame| OCamlValue::new(Root::of(frame.access, &frame.rooted())), |_value| true;
    [] Value, Float::Maybe, Reading::Plain, |frame| frame.rooted(), |_value| true;

    [T: FromOCaml] Box<T>, T::FLOAT, T::READING, |frame| Box::new(T::read(frame)), |value| T::has_shape(value);
    // What is not `None` is a block of one field.
    [T: FromOCaml] Option<T>, Float::Never, T::READING,
        |frame| (!frame.is_immediate()).then(|| T::read(&frame.field(0))),
        |value| is_constant(value, 1) || is_block(value, 0, &[T::has_shape]);
    // Both constructors are a block of one field.
    [T: FromOCaml, E: FromOCaml] Result<T, E>, Float::Never, T::READING.and(E::READING),
        |frame| match frame.tag() {
            0 => Ok(T::read(&frame.field(0))),
            _ => Err(E::read(&frame.field(0))),
        },
        |value| is_block(value, 0, &[T::has_shape]) || is_block(value, 1, &[E::has_shape]);
    // An array is a block, flat if its elements are floats.
    [T: FromOCaml] Vec<T>, Float::Never, of_elements(T::FLOAT, T::READING),
        |frame| {
            let array = frame.live();
            let (length, flat) = (array.doubles().unwrap_or(array.size()), array.is_flat());
            (0..length).map(|i| part(frame, i, flat)).collect()
        },
        |value| is_array(value, T::FLOAT, T::has_shape);
    [T: FromOCaml] OCamlList<T>, Float::Never, T::READING,
        |frame| {
            let mut items = Vec::with_capacity(caml::list_length(frame.value()));
            read_list(frame, |item| items.push(item));
            OCamlList(items)
        },
        |value| is_list(value, T::has_shape);
    [T: FromOCaml] LinkedList<T>, Float::Never, T::READING,
        |frame| {
            let mut items = LinkedList::new();
            read_list(frame, |item| items.push_back(item));
            items
        },
        |value| is_list(value, T::has_shape);
    [K: FromOCaml + Ord, T: FromOCaml] BTreeMap<K, T>, Float::Never, Reading::Panics.and(<(K, T)>::READING),
        |frame| {
            let mut items = BTreeMap::new();
            read_list(frame, |(key, item): (K, T)| drop(items.insert(key, item)));
            items
        },
        |value| is_list(value, <(K, T)>::has_shape);
}

/// What reading an array does: for an element that may be any value OCaml's `float` is made where the array is flat.
const fn of_elements(float: Float, reading: Reading) -> Reading {
    match float {
        Float::Maybe => Reading::Collects,
        Float::Never | Float::Always => reading,
    }
}

/// Reads a list, of which each element is `T`.
///
/// # Safety
/// As for [`FromOCaml::read`].
unsafe fn read_list<T: FromOCaml>(frame: &Frame<'_>, mut push: impl FnMut(T)) {
    // SAFETY: as the caller's; the block of a list has two fields
    unsafe {
        let rest = frame.part(frame.value());
        while !rest.is_immediate() {
            push(T::read(&rest.field(0)));
            rest.value.set(caml::field(rest.value(), 1));
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        panic!(
            "not valid UTF-8 (byte {} of {}); take a ByteBuf for bytes that are not text",
            error.utf8_error().valid_up_to(),
            error.as_bytes().len()
        )
    })
}

fn array<const N: usize>(bytes: Vec<u8>) -> [u8; N] {
    bytes.try_into().unwrap_or_else(|bytes: Vec<u8>| {
        panic!(
            "a string of {} bytes, where {N} were asked for",
            bytes.len()
        )
    })
}

// A tuple is a block with a field for each part.
macro_rules! read_tuples {
    ($($($name:ident $i:literal)*;)*) => {
        read! {$(
            [$($name: FromOCaml),*] ($($name,)*), Float::Never, Reading::Plain$(.and($name::READING))*,
                |frame| ($($name::read(&frame.field($i)),)*),
                |value| is_block(value, 0, &[$($name::has_shape),*]);
        )*}
    };
}

read_tuples! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E 4;
    A 0 B 1 C 2 D 3 E 4 F 5;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16 R 17;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16 R 17 S 18;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16 R 17 S 18 T 19;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16 R 17 S 18 T 19 U 20;
}
