//! As much of loom, the model checker, as the models use, on real threads: each model runs many times. It is for ThreadSanitizer,
//! which finds two threads that touch the same memory without an order between them, in the runs that it sees.
//!
//! ThreadSanitizer knows an order between threads only from code that was compiled for it. The standard library was not, and
//! what of it is inlined into us was. So the locks and conditions here wait by looking again and again, with atomics. Of the
//! standard library's, only `Arc`, and the start and the end of threads are used. Both are seen; for
//! the first see `fences.rs`.
//!
//! With `MODEL_RELAXED` in the environment no atomic of this crate orders anything. Then ThreadSanitizer has to find a race in each
//! model in which threads share more than atomics: this is how we know that it looks.
#![allow(missing_docs, reason = "loom's documentation is that of these")]

mod atomics;
#[cfg(thread_sanitizer)]
mod fences;
mod locks;
mod mpsc;
mod statics;

pub mod cell {
    pub use std::cell::Cell;

    /// With the one method of loom's that we use.
    pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub const fn new(value: T) -> Self {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }

        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

pub mod sync {
    pub use crate::locks::{Condvar, Mutex, MutexGuard, WaitTimeoutResult};
    pub mod mpsc {
        pub use crate::mpsc::{Receiver, Sender, channel};
    }
    pub use std::sync::Arc;

    pub mod atomic {
        pub use crate::atomics::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, fence};
        pub use std::sync::atomic::Ordering;
    }
}

pub mod thread {
    pub use std::thread::{JoinHandle, ThreadId, current, spawn, yield_now};
}

pub use crate::statics::Static;
pub use std::thread_local;

/// `f` many times, each on a thread of its own. One model runs at a time, since all have the same statics.
pub fn model(f: impl Fn() + Sync + Send + 'static) {
    model::Builder::new().check(f);
}

pub mod model {
    use std::sync::{Arc, Mutex};
    use std::thread;

    use crate::locks::lock;
    use crate::{atomics, statics};

    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    /// How often a model runs.
    const TIMES: usize = 500;

    #[derive(Default)]
    pub struct Builder {
        /// Means nothing here.
        pub preemption_bound: Option<usize>,
    }

    impl Builder {
        pub fn new() -> Builder {
            Builder::default()
        }

        pub fn check(&self, f: impl Fn() + Sync + Send + 'static) {
            let _one = lock(&ONE_AT_A_TIME);
            atomics::set_relaxed(std::env::var_os("MODEL_RELAXED").is_some());
            let f = Arc::new(f);
            for _ in 0..TIMES {
                let f = f.clone();
                let ended = thread::spawn(move || f()).join();
                // SAFETY: each model joins its threads, and this one is joined
                unsafe { statics::make_anew() };
                ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        }
    }
}
