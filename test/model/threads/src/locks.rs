//! A mutex and a condition that are nothing but atomics.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;
use std::sync::{self, LockResult, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use crate::atomics::{AtomicBool, AtomicUsize};

/// Locks one of the standard library's, for what is no model's. It is looked at again and again, so that ThreadSanitizer sees what it
/// orders.
pub(crate) fn lock<T>(mutex: &sync::Mutex<T>) -> sync::MutexGuard<'_, T> {
    loop {
        match mutex.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

#[derive(Debug, Default)]
pub struct Mutex<T> {
    is_locked: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: one thread at a time has a guard
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Mutex {
            is_locked: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// It is never poisoned: a model that panics ends.
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        while self
            .is_locked
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            thread::yield_now();
        }
        Ok(MutexGuard(self))
    }

    pub fn into_inner(self) -> LockResult<T> {
        Ok(self.value.into_inner())
    }
}

pub struct MutexGuard<'a, T>(&'a Mutex<T>);

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: it is locked, by this guard
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: it is locked, by this guard
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.0.is_locked.store(false, Ordering::Release);
    }
}

/// How often it was notified. It orders nothing: the mutex does.
#[derive(Debug, Default)]
pub struct Condvar(AtomicUsize);

impl Condvar {
    pub const fn new() -> Self {
        Condvar(AtomicUsize::new(0))
    }

    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let mutex = guard.0;
        // Before the mutex is free: what is notified from now on is for this thread.
        let seen = self.0.load(Ordering::Relaxed);
        drop(guard);
        while self.0.load(Ordering::Relaxed) == seen {
            thread::yield_now();
        }
        mutex.lock()
    }

    /// As loom's, without a limit.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _limit: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let guard = self.wait(guard).unwrap_or_else(PoisonError::into_inner);
        Ok((guard, WaitTimeoutResult))
    }

    /// Wakes all that wait: a condition may wake more than one.
    pub fn notify_one(&self) {
        self.notify_all();
    }

    pub fn notify_all(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Of a wait without a limit.
#[derive(Debug)]
pub struct WaitTimeoutResult;

impl WaitTimeoutResult {
    pub fn timed_out(&self) -> bool {
        false
    }
}
