//! A value that is read, and the values around it. The rules are those of `read.rs`.

use std::cell::Cell;

use ocaml::FromValue;

use super::float::Float;
use crate::caml::lock::Access;
use crate::caml::{self, Live, Raw};
use crate::stack;

/// A value that is read, and the values around it.
#[doc(hidden)]
pub struct Frame<'a> {
    pub(super) access: Access<'a>,
    pub(super) value: Cell<Raw>,
    above: Option<&'a Frame<'a>>,
}

impl<'a> Frame<'a> {
    /// Of a value that is no part of another.
    #[inline]
    pub(crate) fn outermost(access: Access<'a>, value: Raw) -> Self {
        Frame {
            access,
            value: Cell::new(value),
            above: None,
        }
    }

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
            access: self.access,
            value: Cell::new(value),
            above: Some(self),
        }
    }

    /// The part `i` of a block whose parts are boxed.
    ///
    /// # Safety
    /// The value is a block with more than `i` fields, and no array of floats.
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
    /// It is a block.
    #[doc(hidden)]
    #[inline]
    pub unsafe fn tag(&self) -> u8 {
        // SAFETY: as the caller's
        unsafe { caml::tag(self.value()) }
    }

    /// The value as it is now.
    #[inline]
    pub(crate) fn live(&self) -> Live<'_> {
        // SAFETY: who reads keeps the value live
        unsafe { Live::new(self.access, self.value()) }
    }

    /// The value, with a root.
    pub(super) fn rooted(&self) -> ocaml::Value {
        self.live().rooted()
    }

    /// Runs `f`, which may collect, and keeps this value and those above up to date.
    #[cold]
    pub(super) fn keeping(&self, f: &mut dyn FnMut()) {
        let root = self.rooted();
        match self.above {
            None => f(),
            Some(above) => above.keeping(f),
        }
        self.value.set(root.raw());
    }

    /// Converts the value as ocaml-rs does.
    ///
    /// # Safety
    /// The value is one that `T` is converted from.
    #[cold]
    pub(crate) unsafe fn convert<T: FromValue>(&self) -> T {
        let mut value = Some(self.rooted());
        let mut converted = None;
        let mut convert = || converted = value.take().map(T::from_value);
        match self.above {
            None => convert(),
            Some(above) => above.keeping(&mut convert),
        }
        converted.expect("`keeping` calls once")
    }

    /// Whether the record in the frame is flat, which its block says where its type does not.
    #[doc(hidden)]
    #[inline]
    pub fn is_flat(&self, fields: Float) -> bool {
        match fields {
            Float::Never => false,
            Float::Always => true,
            Float::Maybe => self.live().is_flat(),
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
