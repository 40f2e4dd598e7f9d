//! How the types that ocaml-rs and this crate convert are read.

use std::collections::{BTreeMap, LinkedList};

use ocaml::{Value, sys};

use super::crossing::FromOCaml;
use super::float::Float;
use super::frame::Frame;
use super::int::narrow;
use super::read::part;
use super::shape::{is_array, is_block, is_constant, is_list, is_tagged};
use crate::caml::chunk::{self, DOUBLE_TAG, STRING_TAG};
use crate::caml::{self, Raw, Root};
use crate::values::{ByteBuf, Nativeint, OCamlList, OCamlValue};

macro_rules! read {
    ($($ty:ty: |$frame:ident| $how:expr, |$value:ident| $has_shape:expr;)*) => {$(
        // SAFETY: copied
        unsafe impl FromOCaml for $ty {
            const FLOAT: Float = Float::Never;

            #[inline]
            unsafe fn read($frame: &Frame<'_>) -> Self {
                // SAFETY: the value is of this type, and live, by the caller's word
                #[allow(unused_unsafe)]
                unsafe { $how }
            }

            unsafe fn has_shape($value: Raw) -> bool {
                // SAFETY: live, by the caller's word
                #[allow(unused_unsafe)]
                unsafe { $has_shape }
            }
        }
    )*};
}

read! {
    (): |_frame| (), |value| is_constant(value, 1);
    bool: |frame| frame.int() != 0, |value| is_constant(value, 2);
    u8: |frame| narrow(frame.int()), |value| caml::is_immediate(value);
    i8: |frame| narrow(frame.int()), |value| caml::is_immediate(value);
    u16: |frame| narrow(frame.int()), |value| caml::is_immediate(value);
    i16: |frame| narrow(frame.int()), |value| caml::is_immediate(value);
    isize: |frame| frame.int(), |value| caml::is_immediate(value);
    usize: |frame| narrow(frame.int()), |value| caml::is_immediate(value);
    i32: |frame| chunk::custom_val(frame.value()), |value| chunk::is_int32(value);
    u32: |frame| narrow(chunk::custom_val::<i32>(frame.value())), |value| chunk::is_int32(value);
    i64: |frame| chunk::custom_val(frame.value()), |value| chunk::is_int64(value);
    u64: |frame| narrow(chunk::custom_val::<i64>(frame.value())), |value| chunk::is_int64(value);
    Nativeint: |frame| Nativeint(chunk::custom_val(frame.value())), |value| chunk::is_nativeint(value);
    ByteBuf: |frame| ByteBuf(caml::string_bytes(frame.value())), |value| is_tagged(value, STRING_TAG);
    String: |frame| text(caml::string_bytes(frame.value())), |value| is_tagged(value, STRING_TAG);
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

// SAFETY: copied
unsafe impl<const N: usize> FromOCaml for [u8; N] {
    const FLOAT: Float = Float::Never;

    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: a string by the caller's word
        let bytes = unsafe { caml::string_bytes(frame.value()) };
        bytes.try_into().unwrap_or_else(|bytes: Vec<u8>| {
            panic!(
                "a string of {} bytes, where {N} were asked for",
                bytes.len()
            )
        })
    }

    unsafe fn has_shape(value: Raw) -> bool {
        // SAFETY: as the caller's
        unsafe { is_tagged(value, STRING_TAG) && sys::caml_string_length(value.0) == N }
    }
}

macro_rules! read_float {
    ($($ty:ty)*) => {$(
        // SAFETY: copied
        unsafe impl FromOCaml for $ty {
            const FLOAT: Float = Float::Always;

            #[inline]
            unsafe fn read(frame: &Frame<'_>) -> Self {
                // SAFETY: a float by the caller's word
                unsafe { chunk::double_val(frame.value()) as $ty }
            }

            unsafe fn has_shape(value: Raw) -> bool {
                // SAFETY: as the caller's
                unsafe { is_tagged(value, DOUBLE_TAG) }
            }
        }
    )*};
}

read_float!(f64 f32);

// SAFETY: a root
unsafe impl FromOCaml for OCamlValue {
    #[inline]
    unsafe fn read(frame: &Frame<'_>) -> Self {
        OCamlValue::new(Root::of(frame.access, &frame.rooted()))
    }

    unsafe fn has_shape(_value: Raw) -> bool {
        true
    }
}

// SAFETY: a root
unsafe impl FromOCaml for Value {
    #[inline]
    unsafe fn read(frame: &Frame<'_>) -> Self {
        frame.rooted()
    }

    unsafe fn has_shape(_value: Raw) -> bool {
        true
    }
}

// SAFETY: what it holds is
unsafe impl<T: FromOCaml> FromOCaml for Box<T> {
    const FLOAT: Float = T::FLOAT;

    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: as the caller's
        Box::new(unsafe { T::read(frame) })
    }

    unsafe fn has_shape(value: Raw) -> bool {
        // SAFETY: as the caller's
        unsafe { T::has_shape(value) }
    }
}

// SAFETY: its part is
unsafe impl<T: FromOCaml> FromOCaml for Option<T> {
    const FLOAT: Float = Float::Never;

    #[inline]
    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: as the caller's; what is not `None` is a block of one field
        (!frame.is_immediate()).then(|| unsafe { T::read(&frame.field(0)) })
    }

    unsafe fn has_shape(value: Raw) -> bool {
        // SAFETY: as the caller's
        unsafe { is_constant(value, 1) || is_block(value, 0, &[T::has_shape]) }
    }
}

// SAFETY: its part is
unsafe impl<T: FromOCaml, E: FromOCaml> FromOCaml for Result<T, E> {
    const FLOAT: Float = Float::Never;

    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: as the caller's; both constructors are a block of one field
        unsafe {
            match frame.tag() {
                0 => Ok(T::read(&frame.field(0))),
                _ => Err(E::read(&frame.field(0))),
            }
        }
    }

    unsafe fn has_shape(value: Raw) -> bool {
        // SAFETY: as the caller's
        unsafe { is_block(value, 0, &[T::has_shape]) || is_block(value, 1, &[E::has_shape]) }
    }
}

// SAFETY: its parts are
unsafe impl<T: FromOCaml> FromOCaml for Vec<T> {
    const FLOAT: Float = Float::Never;

    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: as the caller's; an array is a block, flat if its elements are floats
        unsafe {
            let length = chunk::array_length(frame.value());
            let flat = chunk::is_flat(frame.value());
            (0..length).map(|i| part(frame, i, flat)).collect()
        }
    }

    unsafe fn has_shape(value: Raw) -> bool {
        // SAFETY: as the caller's
        unsafe { is_array(value, T::FLOAT, T::has_shape) }
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

// SAFETY: its parts are
unsafe impl<T: FromOCaml> FromOCaml for OCamlList<T> {
    const FLOAT: Float = Float::Never;

    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: as the caller's
        unsafe {
            let mut items = Vec::with_capacity(caml::list_length(frame.value()));
            read_list(frame, |item| items.push(item));
            OCamlList(items)
        }
    }

    unsafe fn has_shape(value: Raw) -> bool {
        // SAFETY: as the caller's
        unsafe { is_list(value, T::has_shape) }
    }
}

// SAFETY: its parts are
unsafe impl<T: FromOCaml> FromOCaml for LinkedList<T> {
    const FLOAT: Float = Float::Never;

    unsafe fn read(frame: &Frame<'_>) -> Self {
        let mut items = LinkedList::new();
        // SAFETY: as the caller's
        unsafe { read_list(frame, |item| items.push_back(item)) };
        items
    }

    unsafe fn has_shape(value: Raw) -> bool {
        // SAFETY: as the caller's
        unsafe { is_list(value, T::has_shape) }
    }
}

// SAFETY: its parts are
unsafe impl<K: FromOCaml + Ord, T: FromOCaml> FromOCaml for BTreeMap<K, T> {
    const FLOAT: Float = Float::Never;

    unsafe fn read(frame: &Frame<'_>) -> Self {
        let mut items = BTreeMap::new();
        let push = |(key, item): (K, T)| drop(items.insert(key, item));
        // SAFETY: as the caller's
        unsafe { read_list(frame, push) };
        items
    }

    unsafe fn has_shape(value: Raw) -> bool {
        // SAFETY: as the caller's
        unsafe { is_list(value, <(K, T)>::has_shape) }
    }
}

macro_rules! read_tuples {
    ($($($name:ident $i:literal)*;)*) => {$(
        // SAFETY: its parts are
        unsafe impl<$($name: FromOCaml),*> FromOCaml for ($($name,)*) {
            const FLOAT: Float = Float::Never;

            unsafe fn read(frame: &Frame<'_>) -> Self {
                // SAFETY: as the caller's; a tuple is a block with a field for each part
                unsafe { ($($name::read(&frame.field($i)),)*) }
            }

            unsafe fn has_shape(value: Raw) -> bool {
                // SAFETY: as the caller's
                unsafe { is_block(value, 0, &[$($name::has_shape),*]) }
            }
        }
    )*};
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
