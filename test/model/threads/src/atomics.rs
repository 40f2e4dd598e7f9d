//! The standard library's atomics. Now and then another thread goes first, so that many orders are seen.

use std::cell::Cell;
use std::sync::atomic::{self, Ordering};
use std::thread;

static RELAXED: atomic::AtomicBool = atomic::AtomicBool::new(false);

/// Whether what follows orders nothing.
pub(crate) fn set_relaxed(relaxed: bool) {
    RELAXED.store(relaxed, Ordering::Relaxed);
}

fn ordering(ordering: Ordering) -> Ordering {
    if RELAXED.load(Ordering::Relaxed) {
        Ordering::Relaxed
    } else {
        ordering
    }
}

pub fn fence(order: Ordering) {
    if !RELAXED.load(Ordering::Relaxed) {
        atomic::fence(order);
    }
}

std::thread_local! {
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// One time in eight another thread goes first. By Marsaglia's xorshift, from a number for each thread.
fn step() {
    static THREADS: atomic::AtomicU64 = atomic::AtomicU64::new(0);
    let mut number = LAST.get();
    if number == 0 {
        number = (THREADS.fetch_add(1, Ordering::Relaxed) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    number ^= number << 13;
    number ^= number >> 7;
    number ^= number << 17;
    LAST.set(number);
    if number >> 61 == 0 {
        thread::yield_now();
    }
}

macro_rules! atomic {
    ($name:ident $(<$parameter:ident>)?, $of:ty) => {
        #[derive(Debug, Default)]
        pub struct $name $(<$parameter>)? (atomic::$name $(<$parameter>)?);

        impl $(<$parameter>)? $name $(<$parameter>)? {
            pub const fn new(value: $of) -> Self {
                Self(atomic::$name::new(value))
            }

            pub fn load(&self, order: Ordering) -> $of {
                step();
                self.0.load(ordering(order))
            }

            pub fn store(&self, value: $of, order: Ordering) {
                step();
                self.0.store(value, ordering(order));
            }

            pub fn swap(&self, value: $of, order: Ordering) -> $of {
                step();
                self.0.swap(value, ordering(order))
            }

            pub fn compare_exchange(
                &self,
                current: $of,
                new: $of,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$of, $of> {
                step();
                self.0.compare_exchange(current, new, ordering(success), ordering(failure))
            }

            pub fn compare_exchange_weak(
                &self,
                current: $of,
                new: $of,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$of, $of> {
                self.compare_exchange(current, new, success, failure)
            }
        }
    };
}

atomic!(AtomicBool, bool);
atomic!(AtomicU8, u8);
atomic!(AtomicUsize, usize);
atomic!(AtomicPtr<T>, *mut T);

impl AtomicUsize {
    pub fn fetch_add(&self, value: usize, order: Ordering) -> usize {
        step();
        self.0.fetch_add(value, ordering(order))
    }

    pub fn fetch_sub(&self, value: usize, order: Ordering) -> usize {
        step();
        self.0.fetch_sub(value, ordering(order))
    }
}
