//! How the types that ocaml-rs and this crate convert are read.

use std::collections::{BTreeMap, LinkedList};

use ocaml::{Value, sys};

use super::crossing::FromOCaml;
use super::float::Float;
use super::frame::Frame;
use super::int::narrow;
use super::read::part;
use super::shape::{is_array, is_block, is_constant, is_list, is_tagged};
use crate::caml::alloc::{self, DOUBLE_TAG, STRING_TAG};
use crate::caml::{self, Raw, Root};
use crate::values::{ByteBuf, Nativeint, OCamlList, OCamlValue};

// How each type is read, and whether a value has its shape. Both are unsafe functions, and what stands here is their body: the value
// is live and of the type, and for the shape it is live; the same is the word that they give to what they call.
macro_rules! read {
    ($([$($generics:tt)*] $ty:ty, $float:expr, |$frame:ident| $how:expr, |$value:ident| $has_shape:expr;)*) => {$(
        // SAFETY: copied, or rooted, or its parts are
        unsafe impl<$($generics)*> FromOCaml for $ty {
            const FLOAT: Float = $float;

            #[inline]
            unsafe fn read($frame: &Frame<'_>) -> Self {
                // SAFETY: the value is of this type, and live, by the caller's word, and so are its parts
                #[allow(unused_unsafe)]
                unsafe { $how }
            }

            unsafe fn has_shape($value: Raw) -> bool {
                // SAFETY: live, by the caller's word, and so are its parts
                #[allow(unused_unsafe)]
                unsafe { $has_shape }
            }
        }
    )*};
}

macro_rules! read_numbers {
    ($($ty:ty: |$frame:ident| $how:expr, |$value:ident| $has_shape:expr;)*) => {
        read! { $([] $ty, Float::Never, |$frame| $how, |$value| $has_shape;)* }
    };
}

read_numbers! {
    (): |_frame| (), |value| is_constant(value, 1);
    bool: |frame| frame.int() != 0, |value| is_constant(value, 2);
    u8: |frame| narrow(frame.int()), |value| caml::is_immediate(value);
    i8: |frame| narrow(frame.int()), |value| caml::is_immediate(value);
    u16: |frame| narrow(frame.int()), |value| caml::is_immediate(value);
    i16: |frame| narrow(frame.int()), |value| caml::is_immediate(value);
    isize: |frame| frame.int(), |value| caml::is_immediate(value);
    usize: |frame| narrow(frame.int()), |value| caml::is_immediate(value);
    i32: |frame| alloc::custom_val(frame.value()), |value| alloc::is_int32(value);
    u32: |frame| narrow(alloc::custom_val::<i32>(frame.value())), |value| alloc::is_int32(value);
    i64: |frame| alloc::custom_val(frame.value()), |value| alloc::is_int64(value);
    u64: |frame| narrow(alloc::custom_val::<i64>(frame.value())), |value| alloc::is_int64(value);
    Nativeint: |frame| Nativeint(alloc::custom_val(frame.value())), |value| alloc::is_nativeint(value);
}

read! {
    [] f64, Float::Always, |frame| alloc::double_val(frame.value()), |value| is_tagged(value, DOUBLE_TAG);
    [] f32, Float::Always, |frame| alloc::double_val(frame.value()) as f32, |value| is_tagged(value, DOUBLE_TAG);
    [] ByteBuf, Float::Never,
        |frame| ByteBuf(caml::string_bytes(frame.value())),
        |value| is_tagged(value, STRING_TAG);
    [] String, Float::Never,
        |frame| text(caml::string_bytes(frame.value())),
        |value| is_tagged(value, STRING_TAG);
    [const N: usize] [u8; N], Float::Never,
        |frame| array(caml::string_bytes(frame.value())),
        |value| is_tagged(value, STRING_TAG) && sys::caml_string_length(value.0) == N;

    [] OCamlValue, Float::Maybe, |frame| OCamlValue::new(Root::of(frame.access, &frame.rooted())), |_value| true;
    [] Value, Float::Maybe, |frame| frame.rooted(), |_value| true;

    [T: FromOCaml] Box<T>, T::FLOAT, |frame| Box::new(T::read(frame)), |value| T::has_shape(value);
    // What is not `None` is a block of one field.
    [T: FromOCaml] Option<T>, Float::Never,
        |frame| (!frame.is_immediate()).then(|| T::read(&frame.field(0))),
        |value| is_constant(value, 1) || is_block(value, 0, &[T::has_shape]);
    // Both constructors are a block of one field.
    [T: FromOCaml, E: FromOCaml] Result<T, E>, Float::Never,
        |frame| match frame.tag() {
            0 => Ok(T::read(&frame.field(0))),
            _ => Err(E::read(&frame.field(0))),
        },
        |value| is_block(value, 0, &[T::has_shape]) || is_block(value, 1, &[E::has_shape]);
    // An array is a block, flat if its elements are floats.
    [T: FromOCaml] Vec<T>, Float::Never,
        |frame| {
            let length = alloc::array_length(frame.value());
            let flat = alloc::is_flat(frame.value());
            (0..length).map(|i| part(frame, i, flat)).collect()
        },
        |value| is_array(value, T::FLOAT, T::has_shape);
    [T: FromOCaml] OCamlList<T>, Float::Never,
        |frame| {
            let mut items = Vec::with_capacity(caml::list_length(frame.value()));
            read_list(frame, |item| items.push(item));
            OCamlList(items)
        },
        |value| is_list(value, T::has_shape);
    [T: FromOCaml] LinkedList<T>, Float::Never,
        |frame| {
            let mut items = LinkedList::new();
            read_list(frame, |item| items.push_back(item));
            items
        },
        |value| is_list(value, T::has_shape);
    [K: FromOCaml + Ord, T: FromOCaml] BTreeMap<K, T>, Float::Never,
        |frame| {
            let mut items = BTreeMap::new();
            read_list(frame, |(key, item): (K, T)| drop(items.insert(key, item)));
            items
        },
        |value| is_list(value, <(K, T)>::has_shape);
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
            [$($name: FromOCaml),*] ($($name,)*), Float::Never,
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
