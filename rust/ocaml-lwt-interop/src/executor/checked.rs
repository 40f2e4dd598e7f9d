//! What the model checker, loom, has versions of that watch how threads use them: with `--cfg loom` its own, else the standard
//! library's.

#[cfg(loom)]
pub(super) use loom::cell::{Cell, UnsafeCell};
#[cfg(loom)]
pub(super) use loom::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
#[cfg(not(loom))]
pub(super) use std::cell::Cell;
#[cfg(not(loom))]
pub(super) use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// With the one method of loom's that we use.
#[cfg(not(loom))]
pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(super) fn new(value: T) -> Self {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}
