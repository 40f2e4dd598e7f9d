//! Statics that are made anew for each run of a model.

use std::cell::UnsafeCell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::locks::lock;

/// Those that were used.
static USED: Mutex<Vec<&'static (dyn Remade + Sync)>> = Mutex::new(Vec::new());

trait Remade {
    /// # Safety
    /// Nobody uses it.
    unsafe fn make_anew(&self);
}

/// What `lazy_static!` makes.
pub struct Static<T: 'static> {
    value: UnsafeCell<T>,
    make: fn() -> T,
    is_used: AtomicBool,
}

// SAFETY: what is shared is `&T`
unsafe impl<T: Send + Sync> Sync for Static<T> {}

impl<T> Static<T> {
    #[doc(hidden)]
    pub const fn new(value: T, make: fn() -> T) -> Self {
        Static {
            value: UnsafeCell::new(value),
            make,
            is_used: AtomicBool::new(false),
        }
    }

    #[doc(hidden)]
    pub fn get(&'static self) -> &'static T
    where
        T: Send + Sync,
    {
        // `Relaxed`, so that a static orders nothing but what its own atomics do. Who is the first puts it into the list
        // before its thread ends, so before the list is read.
        if !self.is_used.load(Ordering::Relaxed) && !self.is_used.swap(true, Ordering::Relaxed) {
            lock(&USED).push(self);
        }
        // SAFETY: it is written in `make_anew` only, while nobody uses it
        unsafe { &*self.value.get() }
    }
}

impl<T> Remade for Static<T> {
    unsafe fn make_anew(&self) {
        // SAFETY: as this function's
        unsafe { *self.value.get() = (self.make)() };
    }
}

/// # Safety
/// No thread of the model runs.
pub(crate) unsafe fn make_anew() {
    for used in &*lock(&USED) {
        // SAFETY: only threads of a model use it, and as this function's
        unsafe { used.make_anew() };
    }
}

#[macro_export]
macro_rules! lazy_static {
    ($(#[$attribute:meta])* static ref $name:ident: $ty:ty = $value:expr;) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        struct $name {
            only: (),
        }

        impl std::ops::Deref for $name {
            type Target = $ty;

            fn deref(&self) -> &$ty {
                static VALUE: $crate::Static<$ty> = $crate::Static::new($value, || $value);
                VALUE.get()
            }
        }

        $(#[$attribute])*
        static $name: $name = $name { only: () };
    };
}
