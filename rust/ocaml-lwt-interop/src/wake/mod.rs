//! How a thread that is not the domain thread gets its attention: a queue, a state, and one write a burst.
//!
//! Nothing here calls OCaml, so a wake is allowed anywhere: on a Tokio worker, under somebody's lock, in an OCaml
//! finaliser.

mod descriptor;
pub(crate) mod state;

use std::sync::{Mutex, PoisonError};

use descriptor::WakeDescriptor;
use state::{Look, Notify, Sleep, WakeState};

use crate::executor::Runnable;

/// The half of a domain executor that other threads see.
#[derive(Debug)]
pub(crate) struct Wake {
    state: WakeState,
    descriptor: WakeDescriptor,
    /// What other threads queued. The lock is held for a push or a swap, never while anything is woken or dropped.
    /// `None` once the executor has shut down: what comes later is given back to its sender.
    queue: Mutex<Option<Vec<Runnable>>>,
}

impl Wake {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Wake {
            state: WakeState::new(),
            descriptor: WakeDescriptor::new()?,
            queue: Mutex::new(Some(Vec::new())),
        })
    }

    pub(crate) fn descriptor_number(&self) -> i32 {
        self.descriptor.number()
    }

    /// Queues for the domain thread and wakes its loop if need be; from any thread. After shutdown the runnable comes
    /// back, for the caller to drop outside the lock.
    pub(crate) fn send(&self, runnable: Runnable) -> Result<(), Runnable> {
        let refused = match &mut *self.lock() {
            Some(queue) => {
                queue.push(runnable);
                None
            }
            None => Some(runnable),
        };
        match refused {
            None => {
                self.signal();
                Ok(())
            }
            Some(runnable) => Err(runnable),
        }
    }

    /// Wakes the loop; something was queued before, here or on the domain thread's own queue.
    pub(crate) fn signal(&self) {
        match self.state.notify() {
            Notify::Write => self.descriptor.write(),
            Notify::Nothing => {}
        }
    }

    pub(crate) fn drain_descriptor(&self) {
        self.descriptor.drain();
    }

    /// On the domain thread: appends what came in, in order.
    pub(crate) fn look(&self, into: &mut impl Extend<Runnable>) {
        // What was queued and not yet notified is seen by the tick that follows its notification.
        if self.state.look() == Look::Empty {
            return;
        }
        let came = self.lock().as_mut().map(std::mem::take).unwrap_or_default();
        into.extend(came);
    }

    pub(crate) fn try_sleep(&self) -> Sleep {
        self.state.try_sleep()
    }

    pub(crate) fn is_notified(&self) -> bool {
        self.state.is_notified()
    }

    /// Refuses what comes from now on and gives back what had come in.
    pub(crate) fn close(&self) -> Vec<Runnable> {
        self.lock().take().unwrap_or_default()
    }

    /// A panic cannot happen under this lock, so a poisoned one is as good as any.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<Runnable>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
