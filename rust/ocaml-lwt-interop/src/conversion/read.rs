//! OCaml values are read into Rust ones.
//!
//! 1. Reading allocates nothing on the OCaml heap and runs no OCaml code, so nothing moves, and nothing needs a root.
//! 2. The exceptions are a part that only ocaml-rs converts, which may do anything, and any value that is a float out of a
//!    flat array, which has to be made. Where each part is read its way down is known, as frames on the stack: before
//!    such a part is converted the value in each frame is rooted, and afterwards it is put back from where it has moved to.

use std::cell::Cell;
use std::marker::PhantomData;

use ocaml::{FromValue, Value};

use crate::caml::chunk;
use crate::caml::{self, Raw};

/// A value that is read, and what it is a part of.
#[doc(hidden)]
pub struct Frame<'a> {
    pub(super) value: Cell<Raw>,
    above: Option<&'a Frame<'a>>,
}

impl Frame<'_> {
    #[inline]
    pub(super) fn value(&self) -> Raw {
        self.value.get()
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
    unsafe fn convert<T: FromValue>(&self) -> T {
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

/// A type that is read from an OCaml value.
///
/// # Safety
/// Reading allocates nothing on the OCaml heap and runs no OCaml code, but in [`Place`]'s way.
#[doc(hidden)]
pub unsafe trait Read: Sized {
    /// Whether it is OCaml's `float`, of which arrays and records are flat.
    const FLAT: bool = false;

    /// # Safety
    /// The runtime lock is held; the value in the frame is of the OCaml type that this one stands for, and live.
    ///
    /// # Panics
    /// When it cannot be converted: text that is not UTF-8, a constructor that the Rust type does not have.
    unsafe fn read(frame: &Frame<'_>) -> Self;
}

/// Converts a value. ocaml-rs's word: the lock is held, and the value is of the right type.
#[doc(hidden)]
#[inline]
pub fn convert<T: Read>(value: Value) -> T {
    // SAFETY: a conversion runs with the lock held, on a live value of the type
    with_frame(value, |frame| unsafe { T::read(frame) })
}

/// For a type with parameters, of whose parts nothing is known but that they convert.
#[doc(hidden)]
#[inline]
pub fn with_frame<T>(value: Value, read: impl FnOnce(&Frame<'_>) -> T) -> T {
    read(&Frame {
        value: Cell::new(value.raw()),
        above: None,
    })
}

/// The place of a part of type `T` in a derived type. `(&Place::<T>::NEW).read(…)` finds [`ReadRead`] where it can, and
/// else [`ReadForeign`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Place<T>(PhantomData<fn() -> T>);

impl<T> Place<T> {
    /// The only value.
    pub const NEW: Self = Place(PhantomData);
}

/// `Flat::<T>::FLAT` is [`Read::FLAT`], or false for what only ocaml-rs converts: inherent constants come first.
#[doc(hidden)]
#[derive(Debug)]
pub struct Flat<T>(PhantomData<T>);

impl<T: Read> Flat<T> {
    /// See [`Read::FLAT`].
    pub const FLAT: bool = T::FLAT;
}

/// See [`Flat`].
#[doc(hidden)]
pub trait NotFlat {
    /// It is not.
    const FLAT: bool = false;
}

impl<T> NotFlat for Flat<T> {}

/// A part that is read.
#[doc(hidden)]
pub trait ReadRead {
    /// Its type.
    type Output;
    /// The part `i` of a block.
    ///
    /// # Safety
    /// As for [`Read::read`]; the frame is that of a block with more than `i` parts, which is flat if `flat`.
    unsafe fn read(&self, frame: &Frame<'_>, i: usize, flat: bool) -> Self::Output;
    /// The whole value.
    ///
    /// # Safety
    /// As for [`Read::read`].
    unsafe fn read_whole(&self, frame: &Frame<'_>) -> Self::Output;
}

impl<T: Read> ReadRead for Place<T> {
    type Output = T;

    #[inline]
    unsafe fn read(&self, frame: &Frame<'_>, i: usize, flat: bool) -> T {
        // SAFETY: as the caller's
        unsafe {
            if flat {
                read_double(frame, i)
            } else {
                T::read(&frame.field(i))
            }
        }
    }

    #[inline]
    unsafe fn read_whole(&self, frame: &Frame<'_>) -> T {
        // SAFETY: as the caller's
        unsafe { T::read(frame) }
    }
}

/// A part that only ocaml-rs converts. The bound stands at the methods, not at the impl, so that the compiler's message for
/// a type that does not convert is about `FromValue`.
#[doc(hidden)]
pub trait ReadForeign {
    /// Its type.
    type Output;
    /// The part `i` of a block.
    ///
    /// # Safety
    /// As for [`ReadRead::read`].
    unsafe fn read(&self, frame: &Frame<'_>, i: usize, flat: bool) -> Self::Output
    where
        Self::Output: FromValue;
    /// The whole value.
    ///
    /// # Safety
    /// As for [`Read::read`].
    unsafe fn read_whole(&self, frame: &Frame<'_>) -> Self::Output
    where
        Self::Output: FromValue;
}

impl<T> ReadForeign for &Place<T> {
    type Output = T;

    unsafe fn read(&self, frame: &Frame<'_>, i: usize, _flat: bool) -> T
    where
        T: FromValue,
    {
        // SAFETY: as the caller's. Whether such a type is a float nobody knows but the block.
        unsafe {
            if !chunk::is_flat(frame.value()) {
                return frame.field(i).convert();
            }
            with_made_double(frame, i, T::from_value)
        }
    }

    unsafe fn read_whole(&self, frame: &Frame<'_>) -> T
    where
        T: FromValue,
    {
        // SAFETY: as the caller's
        unsafe { frame.convert() }
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

/// A part of a flat block, for a type that is [`Read::FLAT`].
///
/// # Safety
/// The runtime lock is held; the frame is that of a flat block with more than `i` parts.
pub(super) unsafe fn read_double<T: Read>(frame: &Frame<'_>, i: usize) -> T {
    // SAFETY: as the caller's
    let boxed = chunk::boxed(unsafe { chunk::double_field(frame.value(), i) });
    // SAFETY: a type that is flat reads the float, and nothing else
    unsafe { T::read(&frame.part(chunk::boxed_value(&boxed))) }
}

/// A part of a flat block, for a type that is any value: OCaml's `float` is made for it.
///
/// # Safety
/// As for [`read_double`]; `T` is read from a `float`. Allocates on the OCaml heap, in the way of rule 2.
#[cold]
pub(super) unsafe fn read_made_double<T: Read>(frame: &Frame<'_>, i: usize) -> T {
    // SAFETY: as the caller's
    unsafe { with_made_double(frame, i, convert) }
}

/// Makes OCaml's `float` of a part of a flat block, for `f`, which may collect.
///
/// # Safety
/// As for [`read_double`]. Allocates on the OCaml heap; what `f` does besides, it may do.
#[cold]
unsafe fn with_made_double<T>(frame: &Frame<'_>, i: usize, f: impl FnOnce(Value) -> T) -> T {
    // SAFETY: as the caller's
    let double = unsafe { chunk::double_field(frame.value(), i) };
    let mut f = Some(f);
    let mut made = None;
    // SAFETY: the lock is held; the float is rooted
    frame.keeping(&mut || made = f.take().map(|f| f(unsafe { Value::double(double) })));
    made.expect("`keeping` calls once")
}
