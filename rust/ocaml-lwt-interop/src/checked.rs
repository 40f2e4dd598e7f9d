//! What the model checker, loom, has versions of that watch how threads use them: with `--cfg loom` its own, else the standard
//! library's.

#[cfg(loom)]
pub(crate) use loom::{
    cell::{Cell, UnsafeCell},
    sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering, fence},
    },
};
#[cfg(not(loom))]
pub(crate) use std::cell::Cell;
#[cfg(not(loom))]
pub(crate) use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering, fence},
};

/// With the one method of loom's that we use.
#[cfg(not(loom))]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// A static of these. With loom it is made anew for each order of the threads that is tried.
#[cfg(not(loom))]
macro_rules! shared_static {
    ($(#[$attribute:meta])* static $name:ident: $ty:ty = $value:expr;) => {
        $(#[$attribute])*
        static $name: $ty = $value;
    };
}
#[cfg(loom)]
macro_rules! shared_static {
    ($(#[$attribute:meta])* static $name:ident: $ty:ty = $value:expr;) => {
        loom::lazy_static! {
            $(#[$attribute])*
            static ref $name: $ty = $value;
        }
    };
}
pub(crate) use shared_static;
