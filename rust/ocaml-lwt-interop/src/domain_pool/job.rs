//! One call in a pool, from its submission to its end.
//!
//! 1. Under the lock nothing is run, woken or dropped that belongs to the user.
//! 2. A job that has not begun is dropped by the thread that gives it up. The queue of the pool keeps an empty job.
//! 3. Its slot is settled exactly once: by the worker that ran the job, or by the code that refused it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::Error;
use crate::home::{Home, Scope};
use crate::lock::Mutex;
use crate::lwt_to_rust::Slot;
use crate::panic::catch;

/// A job, as the pool and its workers see it.
pub(crate) trait Job: Send + Sync {
    /// Runs it, on a worker domain. False: it was given up before.
    fn run(self: Arc<Self>, scope: &Scope) -> bool;
    /// Ends it with an error, if it has not begun. If it has, since somebody looked, it is asked to end.
    fn refuse(&self, error: Error);
    /// Asks it to end: the worker that runs it is woken, and asks [`Job::take_cancel`]. False: it has not begun.
    fn cancel(&self) -> bool;
    /// Whether it has neither begun nor been given up.
    fn is_waiting(&self) -> bool;
    /// Whether it was asked to end since the last call.
    fn take_cancel(&self) -> bool;
}

type Body<T> = Box<dyn FnOnce(&Scope) -> Result<T, Error> + Send>;

enum State<T> {
    /// In the pool's queue.
    Waiting(Body<T>),
    /// A worker runs it.
    Running { home: &'static Home, cancel: bool },
    /// It has ended, or was given up.
    Over,
}

pub(crate) struct JobCell<T> {
    state: Mutex<State<T>>,
    slot: Slot<Result<T, Error>>,
}

impl<T: Send + 'static> JobCell<T> {
    pub(crate) fn new(body: impl FnOnce(&Scope) -> Result<T, Error> + Send + 'static) -> Arc<Self> {
        Arc::new(JobCell {
            state: Mutex::new(State::Waiting(Box::new(body))),
            slot: Slot::new(),
        })
    }

    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Result<T, Error>> {
        self.slot.poll(context.waker())
    }

    /// The future is dropped, on any thread. True: the job had not begun, and the queue has an empty one now.
    #[must_use = "empty jobs in the queue are counted"]
    pub(crate) fn abandon(&self) -> bool {
        let index = self.slot.close(false);
        debug_assert!(index.is_none());
        let body = self.take_body(|| State::Over);
        if body.is_none() {
            self.cancel();
        }
        body.is_some()
    }

    fn take_body(&self, next: impl FnOnce() -> State<T>) -> Option<Body<T>> {
        let mut state = self.state.lock()?;
        if !matches!(*state, State::Waiting(_)) {
            return None;
        }
        match std::mem::replace(&mut *state, next()) {
            State::Waiting(body) => Some(body),
            State::Running { .. } | State::Over => unreachable!("matched above"),
        }
    }

    fn settle(&self, result: Result<T, Error>) {
        // When nobody waits any more the value goes here, outside of the slot's lock.
        let settled = self.slot.settle(result);
        if let Some(waker) = settled.ok().and_then(|woken| woken.waker) {
            waker.wake();
        }
    }
}

impl<T: Send + 'static> Job for JobCell<T> {
    fn run(self: Arc<Self>, scope: &Scope) -> bool {
        let running = || State::Running {
            home: scope.home(),
            cancel: false,
        };
        let Some(body) = self.take_body(running) else {
            return false;
        };
        let result = catch(AssertUnwindSafe(|| body(scope)))
            .unwrap_or_else(|panic| Err(Error::from_panic(panic)));
        if let Some(mut state) = self.state.lock() {
            *state = State::Over;
        }
        // A waker of the user's may panic.
        let woken = catch(AssertUnwindSafe(|| self.settle(result)));
        if let Err(panic) = woken {
            crate::errors_to_ocaml::report_panic(scope, &panic);
        }
        true
    }

    fn refuse(&self, error: Error) {
        let body = self.take_body(|| State::Over);
        if body.is_some() {
            self.settle(Err(error));
        } else {
            self.cancel();
        }
        // Last: a destructor of the user's may panic.
        drop(body);
    }

    fn cancel(&self) -> bool {
        let Some(mut state) = self.state.lock() else {
            return true;
        };
        let home = match &mut *state {
            State::Waiting(_) => return false,
            State::Running { home, cancel } => {
                *cancel = true;
                *home
            }
            State::Over => return true,
        };
        drop(state);
        home.wake.signal();
        true
    }

    fn is_waiting(&self) -> bool {
        matches!(self.state.lock().as_deref(), Some(State::Waiting(_)))
    }

    fn take_cancel(&self) -> bool {
        match self.state.lock().as_deref_mut() {
            Some(State::Running { cancel, .. }) => std::mem::take(cancel),
            Some(State::Waiting(_) | State::Over) | None => false,
        }
    }
}
