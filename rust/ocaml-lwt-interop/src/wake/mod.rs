//! The wake path: how another thread wakes the domain thread. It has a queue, a state, and a descriptor, to which a burst of
//! wakes writes once.
//!
//! Nothing here calls OCaml, so a wake is allowed anywhere: on a Tokio worker, under somebody's lock, in an OCaml
//! finaliser.

/// The model checker has one that it sees.
#[cfg_attr(loom, path = "../../../../test/model/src/descriptor.rs")]
mod descriptor;
pub(crate) mod state;

use descriptor::WakeDescriptor;
use state::{Found, Notify, Sleep, WakeState};

use crate::lock::{Mutex, is_child};

/// What is queued.
pub(crate) trait Queued {
    /// What ends something, and does not begin anything: run after shutdown as well, as long as there is a loop.
    fn is_an_end(&self) -> bool;
}

/// The half of a domain executor that other threads see.
#[derive(Debug)]
pub(crate) struct WakePath<R> {
    state: WakeState,
    descriptor: WakeDescriptor,
    /// What other threads queued. The lock is held for a push or a swap, never while anything is woken or dropped.
    incoming: Mutex<Incoming<R>>,
}

#[derive(Debug)]
struct Incoming<R> {
    queue: Vec<R>,
    /// The executor has shut down: what begins something is given back to its sender.
    closed: bool,
}

impl<R: Queued> WakePath<R> {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(WakePath {
            state: WakeState::new(),
            descriptor: WakeDescriptor::new()?,
            incoming: Mutex::new(Incoming {
                queue: Vec::new(),
                closed: false,
            }),
        })
    }

    pub(crate) fn descriptor_number(&self) -> i32 {
        self.descriptor.number()
    }

    /// Queues for the domain thread and wakes its loop if need be; from any thread. After shutdown the runnable comes
    /// back, for the caller to drop outside the lock, unless it is an end. In the child of a `fork` it is forgotten: nobody
    /// would take it, and what it holds may have locks of its own.
    pub(crate) fn send(&self, runnable: R) -> Result<(), R> {
        let is_an_end = runnable.is_an_end();
        self.send_unless_closed(runnable, is_an_end)
    }

    /// The same, but an end comes back as well: for what need not be here.
    pub(crate) fn send_while_open(&self, runnable: R) -> Result<(), R> {
        self.send_unless_closed(runnable, false)
    }

    fn send_unless_closed(&self, runnable: R, always: bool) -> Result<(), R> {
        if is_child() {
            std::mem::forget(runnable);
            return Ok(());
        }
        let Some(mut incoming) = self.incoming.lock() else {
            std::mem::forget(runnable);
            return Ok(());
        };
        if incoming.closed && !always {
            drop(incoming);
            return Err(runnable);
        }
        incoming.queue.push(runnable);
        drop(incoming);
        self.signal();
        Ok(())
    }

    /// Wakes the loop; something was queued before, here or on the domain thread's own queue.
    pub(crate) fn signal(&self) {
        match self.state.notify() {
            Notify::Write => self.descriptor.write(),
            Notify::Nothing => {}
        }
    }

    /// As [`WakePath::signal`], where a tick has been notified already and may not come: OCaml code raised on the way to it.
    pub(crate) fn signal_in_any_state(&self) {
        let _ = self.state.notify();
        self.descriptor.write();
    }

    /// Blocks until somebody wakes this executor; on the thread of a worker domain, which has no loop, without the runtime
    /// lock.
    pub(crate) fn park(&self) {
        self.descriptor.wait();
        self.descriptor.drain();
    }

    /// After [`WakePath::close`]: the executor serves again.
    pub(crate) fn reopen(&self) {
        if let Some(mut incoming) = self.incoming.lock() {
            incoming.closed = false;
        }
    }

    pub(crate) fn drain_descriptor(&self) {
        self.descriptor.drain();
    }

    /// On the domain thread: appends what came in, in order.
    pub(crate) fn take_queued(&self, into: &mut impl Extend<R>) {
        // What was queued and not yet notified is seen by the tick that follows its notification.
        if self.state.wake_up() == Found::Empty {
            return;
        }
        if let Some(mut incoming) = self.incoming.lock() {
            let came = std::mem::take(&mut incoming.queue);
            drop(incoming);
            into.extend(came);
        }
    }

    pub(crate) fn try_sleep(&self) -> Sleep {
        self.state.try_sleep()
    }

    pub(crate) fn is_notified(&self) -> bool {
        self.state.is_notified()
    }

    /// Refuses what begins something from now on, and gives what has come in.
    pub(crate) fn close(&self) -> Vec<R> {
        let Some(mut incoming) = self.incoming.lock() else {
            return Vec::new();
        };
        incoming.closed = true;
        std::mem::take(&mut incoming.queue)
    }
}
