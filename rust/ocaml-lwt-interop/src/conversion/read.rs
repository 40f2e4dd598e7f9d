//! OCaml values are read into Rust ones.
//!
//! 1. Reading allocates nothing on the OCaml heap and runs no OCaml code, so nothing moves, and nothing needs a root.
//! 2. There are two exceptions: a part that only ocaml-rs converts, which may do anything; and a part that may be any value
//!    and is a float in a flat array, for which a block has to be made. So the way down to each part is known, as frames on
//!    the stack. Before such a part is converted, the value in each frame is rooted. Afterwards each frame gets its value
//!    back, from where it has moved to.

use ocaml::Value;

use super::crossing::FromOCaml;
use super::float::Float;
use crate::caml::alloc;
use crate::caml::lock::{Access, demand};

pub use super::frame::Frame;

/// Converts a value. ocaml-rs's word: it is of the right type.
#[doc(hidden)]
#[inline]
pub fn convert<T: FromOCaml>(value: Value) -> T {
    demand("an OCaml value was converted", |access| {
        convert_here(access, value)
    })
}

/// As [`convert`], where OCaml may be touched.
#[inline]
pub(crate) fn convert_here<T: FromOCaml>(access: Access<'_>, value: Value) -> T {
    let frame = Frame::outermost(access, value.raw());
    // SAFETY: a live value of the type, which `value` keeps alive
    let converted = unsafe { T::read(&frame) };
    drop(value);
    converted
}

/// The part `i` of a block.
///
/// # Safety
/// As for [`FromOCaml::read`]; the frame is that of a block with more than `i` parts, which is flat if `flat`.
#[doc(hidden)]
#[inline]
pub unsafe fn part<T: FromOCaml>(frame: &Frame<'_>, i: usize, flat: bool) -> T {
    // SAFETY: as the caller's
    unsafe {
        match (flat, T::FLOAT) {
            (false, _) => T::read(&frame.field(i)),
            (true, Float::Always) => read_double(frame, i),
            // Of a type that may be any value, or that only ocaml-rs converts.
            (true, _) => read_made_double(frame, i),
        }
    }
}

/// For an enum that does not have what OCaml's variant has.
#[doc(hidden)]
#[cold]
pub fn unknown_constructor(name: &str, number: isize) -> ! {
    panic!("the enum {name} has no constructor without arguments of number {number}")
}

/// As [`unknown_constructor`].
#[doc(hidden)]
#[cold]
pub fn unknown_tag(name: &str, tag: u8) -> ! {
    panic!("the enum {name} has no constructor with arguments of number {tag}")
}

/// As [`unknown_constructor`], for a polymorphic variant.
#[doc(hidden)]
#[cold]
pub fn unknown_polymorphic(name: &str, number: isize) -> ! {
    panic!("the enum {name} has no tag of number {number}, with a value or without as it came")
}

/// A part of a flat block, for a type that is [`Float::Always`].
///
/// # Safety
/// The frame is that of a flat block with more than `i` parts.
unsafe fn read_double<T: FromOCaml>(frame: &Frame<'_>, i: usize) -> T {
    // SAFETY: as the caller's; a type that is flat reads the float, and nothing else
    unsafe {
        let boxed = alloc::boxed(double_of(frame, i));
        T::read(&frame.part(alloc::boxed_value(&boxed)))
    }
}

/// # Safety
/// The frame is that of a flat block with more than `i` parts.
unsafe fn double_of(frame: &Frame<'_>, i: usize) -> f64 {
    // SAFETY: as the caller's
    unsafe { alloc::number(frame.value(), i * (alloc::DOUBLE_WORDS - 1)) }
}

/// A part of a flat block, for a type that may be any value: OCaml's `float` is made for it.
///
/// # Safety
/// As for [`read_double`]; `T` is read from a `float`. Allocates on the OCaml heap, in the way of rule 2.
#[cold]
unsafe fn read_made_double<T: FromOCaml>(frame: &Frame<'_>, i: usize) -> T {
    // SAFETY: as the caller's
    let double = unsafe { double_of(frame, i) };
    let mut made = None;
    let access = frame.access;
    frame.keeping(&mut || made = Some(convert_here(access, alloc::double(access, double))));
    made.expect("`keeping` calls")
}
