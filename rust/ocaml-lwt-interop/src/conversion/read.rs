//! OCaml values are read into Rust ones.
//!
//! 1. Reading allocates nothing on the OCaml heap and runs no OCaml code, so nothing moves, and nothing needs a root.
//! 2. The exceptions are a part that only ocaml-rs converts, which may do anything, and any value that is a float out of a
//!    flat array, which has to be made. Where each part is read its way down is known, as frames on the stack: before
//!    such a part is converted the value in each frame is rooted, and afterwards it is put back from where it has moved to.

use std::cell::Cell;

use ocaml::{FromValue, Value};

use super::FromOCaml;
use super::float::Float;
use crate::caml::chunk;
use crate::caml::{self, Raw};
use crate::stack;

/// A value that is read, and what it is a part of.
#[doc(hidden)]
pub struct Frame<'a> {
    pub(super) value: Cell<Raw>,
    above: Option<&'a Frame<'a>>,
}

impl Frame<'_> {
    #[inline]
    pub(crate) fn value(&self) -> Raw {
        self.value.get()
    }

    /// Goes down into a record or a variant, of which there may be any number in one another.
    ///
    /// # Panics
    /// When too little of the stack is left.
    #[doc(hidden)]
    #[inline]
    pub fn descend(&self) {
        if stack::check().is_err() {
            too_deep();
        }
    }

    #[inline]
    pub(super) fn part(&self, value: Raw) -> Frame<'_> {
        Frame {
            value: Cell::new(value),
            above: Some(self),
        }
    }

    /// The part `i` of a block whose parts are boxed.
    ///
    /// # Safety
    /// The value is a block with more than `i` fields, and no array of floats; the runtime lock is held.
    #[inline]
    pub(super) unsafe fn field(&self, i: usize) -> Frame<'_> {
        // SAFETY: as the caller's; the value is live, see rule 2
        self.part(unsafe { caml::field(self.value(), i) })
    }

    /// Whether it is an `int` or a constant constructor; else it is a block.
    #[doc(hidden)]
    #[inline]
    pub fn is_immediate(&self) -> bool {
        caml::is_immediate(self.value())
    }

    /// The `int`, or the number of the constant constructor.
    #[doc(hidden)]
    #[inline]
    pub fn int(&self) -> isize {
        caml::int_val(self.value())
    }

    /// The tag of a block.
    ///
    /// # Safety
    /// It is a block; the runtime lock is held.
    #[doc(hidden)]
    #[inline]
    pub unsafe fn tag(&self) -> u8 {
        // SAFETY: as the caller's
        unsafe { caml::tag(self.value()) }
    }

    /// Runs `f`, which may collect, and keeps this value and those above up to date.
    #[cold]
    fn keeping(&self, f: &mut dyn FnMut()) {
        // SAFETY: who reads holds the lock, and the value is live
        let root = unsafe { caml::protect(self.value()) };
        match self.above {
            None => f(),
            Some(above) => above.keeping(f),
        }
        self.value.set(root.raw());
    }

    /// Converts the value as ocaml-rs does.
    ///
    /// # Safety
    /// The runtime lock is held; the value is one that `T` is converted from.
    #[cold]
    pub(crate) unsafe fn convert<T: FromValue>(&self) -> T {
        // SAFETY: who reads holds the lock, and the value is live
        let mut value = Some(unsafe { caml::protect(self.value()) });
        let mut converted = None;
        let mut convert = || converted = value.take().map(T::from_value);
        match self.above {
            None => convert(),
            Some(above) => above.keeping(&mut convert),
        }
        converted.expect("`keeping` calls once")
    }
}

/// Converts a value. ocaml-rs's word: it is of the right type.
#[doc(hidden)]
#[inline]
pub fn convert<T: FromOCaml>(value: Value) -> T {
    caml::lock::demand("an OCaml value was converted");
    let frame = Frame {
        value: Cell::new(value.raw()),
        above: None,
    };
    // SAFETY: the lock is held; a live value of the type, which `value` keeps alive
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

/// Not printed, with a backtrace that is as long as the stack is deep: who converts says it.
#[cold]
#[inline(never)]
pub(super) fn too_deep() -> ! {
    std::panic::resume_unwind(Box::new(
        "a value is nested deeper than there is stack for: use a list or an array, or a thread with a larger stack (ulimit -s, \
         for the main one)",
    ))
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

/// A part of a flat block, for a type that is [`Float::Always`].
///
/// # Safety
/// The runtime lock is held; the frame is that of a flat block with more than `i` parts.
unsafe fn read_double<T: FromOCaml>(frame: &Frame<'_>, i: usize) -> T {
    // SAFETY: as the caller's
    let boxed = chunk::boxed(unsafe { chunk::double_field(frame.value(), i) });
    // SAFETY: a type that is flat reads the float, and nothing else
    unsafe { T::read(&frame.part(chunk::boxed_value(&boxed))) }
}

/// A part of a flat block, for a type that may be any value: OCaml's `float` is made for it.
///
/// # Safety
/// As for [`read_double`]; `T` is read from a `float`. Allocates on the OCaml heap, in the way of rule 2.
#[cold]
unsafe fn read_made_double<T: FromOCaml>(frame: &Frame<'_>, i: usize) -> T {
    // SAFETY: as the caller's
    let double = unsafe { chunk::double_field(frame.value(), i) };
    let mut made = None;
    // SAFETY: the lock is held; the float is rooted
    frame.keeping(&mut || made = Some(convert(unsafe { Value::double(double) })));
    made.expect("`keeping` calls")
}
