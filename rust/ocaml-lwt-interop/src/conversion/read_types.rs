//! How the types that ocaml-rs and this crate convert are read.

use super::read::{Frame, Read, read_double, read_made_double};
use crate::caml::{self, chunk};
use crate::values::{ByteBuf, Nativeint, OCamlList, OCamlValue};

macro_rules! read {
    ($($ty:ty: |$frame:ident| $how:expr;)*) => {$(
        // SAFETY: copied
        unsafe impl Read for $ty {
            #[inline]
            unsafe fn read($frame: &Frame<'_>) -> Self {
                // SAFETY: the value is of this type, and live, by the caller's word
                #[allow(unused_unsafe)]
                unsafe { $how }
            }
        }
    )*};
}

read! {
    (): |_frame| ();
    bool: |frame| frame.int() != 0;
    u8: |frame| frame.int() as u8;
    i8: |frame| frame.int() as i8;
    u16: |frame| frame.int() as u16;
    i16: |frame| frame.int() as i16;
    isize: |frame| frame.int();
    usize: |frame| frame.int() as usize;
    i32: |frame| chunk::custom_val(frame.value());
    u32: |frame| chunk::custom_val::<i32>(frame.value()) as u32;
    i64: |frame| chunk::custom_val(frame.value());
    u64: |frame| chunk::custom_val::<i64>(frame.value()) as u64;
    Nativeint: |frame| Nativeint(chunk::custom_val(frame.value()));
    OCamlValue: |frame| OCamlValue::new(frame.value());
    ByteBuf: |frame| ByteBuf(caml::string_bytes(frame.value()));
    String: |frame| text(caml::string_bytes(frame.value()));
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

macro_rules! read_float {
    ($($ty:ty)*) => {$(
        // SAFETY: copied
        unsafe impl Read for $ty {
            const FLAT: bool = true;

            #[inline]
            unsafe fn read(frame: &Frame<'_>) -> Self {
                // SAFETY: a float by the caller's word
                unsafe { chunk::double_val(frame.value()) as $ty }
            }
        }
    )*};
}

read_float!(f64 f32);

// SAFETY: what it holds is
unsafe impl<T: Read> Read for Box<T> {
    const FLAT: bool = T::FLAT;

    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: as the caller's
        Box::new(unsafe { T::read(frame) })
    }
}

// SAFETY: its part is
unsafe impl<T: Read> Read for Option<T> {
    #[inline]
    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: as the caller's; what is not `None` is a block of one field
        (!frame.is_immediate()).then(|| unsafe { T::read(&frame.field(0)) })
    }
}

// SAFETY: its part is
unsafe impl<T: Read, E: Read> Read for Result<T, E> {
    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: as the caller's; both constructors are a block of one field
        unsafe {
            match frame.tag() {
                0 => Ok(T::read(&frame.field(0))),
                _ => Err(E::read(&frame.field(0))),
            }
        }
    }
}

// SAFETY: its parts are
unsafe impl<T: Read> Read for Vec<T> {
    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: as the caller's; an array is a block, flat if its elements are floats
        unsafe {
            let length = chunk::array_length(frame.value());
            let flat = chunk::is_flat(frame.value());
            (0..length)
                .map(|i| match (flat, T::FLAT) {
                    (true, true) => read_double(frame, i),
                    // Of a type that is any value, `OCamlValue`.
                    (true, false) => read_made_double(frame, i),
                    (false, _) => T::read(&frame.field(i)),
                })
                .collect()
        }
    }
}

// SAFETY: its parts are
unsafe impl<T: Read> Read for OCamlList<T> {
    unsafe fn read(frame: &Frame<'_>) -> Self {
        // SAFETY: as the caller's; the block of a list has two fields
        unsafe {
            let mut items = Vec::with_capacity(caml::list_length(frame.value()));
            let rest = frame.part(frame.value());
            while !rest.is_immediate() {
                items.push(T::read(&rest.field(0)));
                rest.value.set(caml::field(rest.value(), 1));
            }
            OCamlList(items)
        }
    }
}

macro_rules! read_tuples {
    ($($($name:ident $i:literal)*;)*) => {$(
        // SAFETY: its parts are
        unsafe impl<$($name: Read),*> Read for ($($name,)*) {
            unsafe fn read(frame: &Frame<'_>) -> Self {
                // SAFETY: as the caller's; a tuple is a block with a field for each part
                unsafe { ($($name::read(&frame.field($i)),)*) }
            }
        }
    )*};
}

read_tuples! {
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E 4;
    A 0 B 1 C 2 D 3 E 4 F 5;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
}
