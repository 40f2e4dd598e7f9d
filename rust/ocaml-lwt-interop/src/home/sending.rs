//! What is queued for an executor, from its own thread and from others, and what becomes of it after the end. Knows nothing of
//! OCaml.

use super::{AtHome, Budget, Home, Runnable, Task};
use crate::status::{Status, status};
use crate::wake::Queued;

impl Home {
    /// Whether what begins something is taken; on its own thread.
    #[inline]
    pub(crate) fn is_open(&'static self, at: AtHome) -> bool {
        status() == Status::Running && !self.local(at).closed.get()
    }

    /// Serves a new domain thread, whose this is: as a new executor.
    pub(crate) fn reopen(&'static self, at: AtHome) {
        let local = self.local(at);
        local.closed.set(false);
        local.budget.set(Budget::default());
        self.wake.reopen();
    }

    /// At the end of this domain's own queue.
    pub(crate) fn push(&'static self, at: AtHome, runnable: Runnable) {
        self.local(at).queue.borrow_mut().push(runnable);
    }

    /// Queues a task that was woken at home: no lock, and no system call where a stub or a tick is about to look.
    pub(crate) fn wake_task(&'static self, at: AtHome, task: Task) {
        if !self.is_open(at) {
            return;
        }
        self.push(at, Runnable::Task(task));
        if !at.in_scope() {
            self.wake.signal();
        }
    }

    /// Queues a task that was woken on another thread. False: the executor has shut down, or this is the child of a `fork`.
    pub(crate) fn send_task(&'static self, task: Task) -> bool {
        // In the child of a `fork` the lock may be held by a thread that does not exist, and the descriptor is its parent's.
        status() != Status::Forked && self.wake.send(Runnable::RemoteTask(task)).is_ok()
    }

    /// Queues from any thread. After shutdown what is not an end is dropped.
    pub(crate) fn queue_anywhere(&'static self, runnable: Runnable) {
        let refused = match status() {
            Status::Running => false,
            Status::ShutDown => !runnable.is_an_end(),
            Status::Forked => return std::mem::forget(runnable),
        };
        match AtHome::of(self) {
            Some(at) if refused || (!self.is_open(at) && !runnable.is_an_end()) => drop(runnable),
            Some(at) => {
                self.push(at, runnable);
                if !at.in_scope() {
                    self.wake.signal();
                }
            }
            None => drop(self.wake.send(runnable)),
        }
    }

    /// Queues an end that may be another executor's as well: after the end of this one it comes back. From any thread.
    pub(crate) fn queue_end_while_open(&'static self, end: Runnable) -> Result<(), Runnable> {
        match AtHome::of(self) {
            Some(at) if !self.is_open(at) => Err(end),
            Some(_) => {
                self.queue_anywhere(end);
                Ok(())
            }
            None => self.wake.send_while_open(end),
        }
    }

    /// Whether a tick would find something.
    pub(crate) fn has_runnable(&'static self, at: AtHome) -> bool {
        !self.local(at).queue.borrow().is_empty() || self.wake.is_notified()
    }
}
