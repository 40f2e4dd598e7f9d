//! Where Tokio's threads wait until all of its workers have one.
//!
//! The system may refuse a worker's thread, or the user's function that names the thread may panic. Then Tokio panics in
//! `Builder::build` (1.54, `runtime/blocking/pool.rs`, `spawn_blocking`). On the way out it waits for the workers that it
//! has started, and these wait for work: for ever. So a worker does not begin before the last one has its thread. When one
//! is refused, the workers that wait hear of it before the panic unwinds, and end.

use std::sync::PoisonError;

use crate::checked::{Condvar, Mutex, MutexGuard};

/// One for the process, since one runtime is made at a time. Never locked by the child of a `fork`, which makes none.
#[cfg(not(loom))]
pub(super) static GATE: Gate = Gate {
    state: Mutex::new(State::Open),
    changed: Condvar::new(),
};

pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A runtime is being made: its threads wait.
    Closed,
    /// It was made.
    Open,
    /// It was given up: its threads end.
    Failed,
}

impl Gate {
    /// Before a runtime is made.
    pub(super) fn close(&self) {
        *self.lock() = State::Closed;
    }

    /// The runtime was made, or all of its threads have ended.
    pub(super) fn open(&self) {
        self.change(State::Open);
    }

    /// Before a panic unwinds, on the thread that makes the runtime. Later threads are named without a gate.
    pub(super) fn fail(&self) {
        if *self.lock() == State::Closed {
            self.change(State::Failed);
        }
    }

    /// On a Tokio thread, before anything else. Where there is nothing to begin it unwinds: to Tokio the thread has ended.
    pub(super) fn pass(&self) {
        let mut state = self.lock();
        while *state == State::Closed {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let failed = *state == State::Failed;
        drop(state);
        if failed {
            std::panic::resume_unwind(Box::new("Tokio's runtime could not start"));
        }
    }

    fn change(&self, to: State) {
        *self.lock() = to;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The model: two threads of Tokio's, and the one that makes the runtime.
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use std::panic::catch_unwind;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// `fails`: after the first thread the second one is refused.
    fn check(fails: bool) {
        loom::model(move || {
            let gate = Arc::new(Gate {
                state: Mutex::new(State::Open),
                changed: Condvar::new(),
            });
            // Only looked at, so the model checker need not know of it.
            let is_made = Arc::new(AtomicBool::new(false));
            gate.close();
            let threads = [(); 2].map(|()| {
                let (gate, is_made) = (gate.clone(), is_made.clone());
                loom::thread::spawn(move || {
                    let passes = std::panic::AssertUnwindSafe(|| gate.pass());
                    let has_passed = catch_unwind(passes).is_ok();
                    assert_eq!(has_passed, is_made.load(Ordering::SeqCst));
                })
            });
            if fails {
                gate.fail();
            } else {
                is_made.store(true, Ordering::SeqCst);
                gate.open();
            }
            for thread in threads {
                thread.join().unwrap();
            }
            gate.open();
            // A thread that Tokio makes later.
            gate.fail();
            gate.pass();
        });
    }

    #[test]
    fn threads_begin_when_the_runtime_is_made() {
        check(false);
    }

    #[test]
    fn threads_end_when_the_runtime_is_given_up() {
        check(true);
    }
}
