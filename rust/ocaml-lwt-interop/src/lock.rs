//! A mutex that nobody waits for in the child of a `fork`: who holds it there is a thread that does not exist. Pure: no
//! OCaml, no `unsafe`.
//!
//! `fork` copies a mutex as it is, locked by whichever thread was under it, and copies one thread only. So
//! [`Mutex::lock`] gives nothing where it would wait in vain, and each caller says what becomes of its errand then: nobody
//! waits for the answer in the child, where promises are rejected and futures are never polled again.

use std::sync::atomic::{AtomicBool, Ordering};
pub(crate) use std::sync::{Condvar, MutexGuard};
use std::sync::{PoisonError, TryLockError};

static IS_CHILD: AtomicBool = AtomicBool::new(false);

/// In the child of a `fork`, by its handler: async-signal-safe.
pub(crate) fn this_is_a_child() {
    IS_CHILD.store(true, Ordering::Relaxed);
}

/// Whether this process is the child of one that used the bridge.
#[inline]
pub(crate) fn is_child() -> bool {
    IS_CHILD.load(Ordering::Relaxed)
}

/// Held for moments, never while anything of the user's runs. A panic cannot happen under it, so a poisoned one is as good
/// as any.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Mutex(std::sync::Mutex::new(value))
    }

    /// `None`: this is the child of a `fork`, and a thread of its parent's was under the lock.
    #[inline]
    pub(crate) fn lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => self.wait(),
        }
    }

    #[cold]
    fn wait(&self) -> Option<MutexGuard<'_, T>> {
        if is_child() {
            return None;
        }
        Some(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_held_is_waited_for_by_threads_and_not_by_a_child() {
        let mutex = std::sync::Arc::new(Mutex::new(1));
        let held = mutex.lock().unwrap();
        let waits = std::thread::spawn({
            let mutex = mutex.clone();
            move || *mutex.lock().unwrap()
        });
        drop(held);
        assert_eq!(waits.join().unwrap(), 1);

        let held = mutex.lock().unwrap();
        // SAFETY: the child does what is async-signal-safe, and ends
        let child = unsafe { libc::fork() };
        if child == 0 {
            this_is_a_child();
            let code = i32::from(mutex.lock().is_some());
            // SAFETY: ends this process
            unsafe { libc::_exit(code) };
        }
        drop(held);
        let mut status = -1;
        // SAFETY: our child
        unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!(libc::WEXITSTATUS(status), 0);
    }
}
