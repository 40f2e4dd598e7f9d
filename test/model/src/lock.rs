//! The model checker's, as the crate's mutex: of a child of a `fork` it knows nothing.
//!
//! The model checker tries all orders of what it sees, and of nothing else. It does not see what an `Arc` of the standard library
//! does. So a model that is about the last reference has a [`step`] beside each: they are seen, and all orders of them are tried.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::LockResult;
use std::time::Duration;

use loom::sync::WaitTimeoutResult;
use loom::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> Option<MutexGuard<'_, T>> {
        let guard = self.0.lock().expect("nothing panics under it");
        Some(MutexGuard(Some(guard)))
    }
}

/// When it is dropped, another thread may come before what is dropped next.
pub(crate) struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().unwrap()
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().unwrap()
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        drop(self.0.take());
        if HAS_STEPS.get() {
            step();
        }
    }
}

pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Condvar(loom::sync::Condvar::new())
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Without a limit.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (inner, result) = self
            .0
            .wait_timeout(guard.0.take().unwrap(), limit)
            .expect("nothing panics under it");
        guard.0 = Some(inner);
        Ok((guard, result))
    }
}

pub(crate) fn is_child() -> bool {
    false
}

loom::lazy_static! {
    static ref STEPS: AtomicUsize = AtomicUsize::new(0);
}

/// Another thread may come here. It orders nothing.
pub(crate) fn step() {
    STEPS.fetch_add(1, Ordering::Relaxed);
}

std::thread_local! {
    /// Of a model, all of whose threads are one of the system's.
    static HAS_STEPS: Cell<bool> = const { Cell::new(false) };
}

/// From now on there is a step after each lock of this model.
pub(crate) fn step_after_locks() {
    HAS_STEPS.set(true);
}
