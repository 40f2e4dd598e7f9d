//! The life of the bridge: it runs, or it was shut down, or this is the child of a `fork`.

use crate::checked::{AtomicU8, Ordering, shared_static};

/// Where the bridge is in its life; one for the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// From the start. Calls start an executor or use it.
    Running = 0,
    /// Entered by `shutdown`, never left: calls are refused.
    ShutDown = 1,
    /// Entered in the child of a `fork`, never left: calls are refused. Tokio's threads do not exist here.
    Forked = 2,
}

shared_static! {
    static STATUS: AtomicU8 = AtomicU8::new(Status::Running as u8);
}

#[inline]
pub(crate) fn status() -> Status {
    match STATUS.load(Ordering::Relaxed) {
        0 => Status::Running,
        1 => Status::ShutDown,
        _ => Status::Forked,
    }
}

/// Ends what runs, once. False: it did not run any more.
pub(crate) fn shut_down() -> bool {
    let (running, ended) = (Status::Running as u8, Status::ShutDown as u8);
    STATUS
        .compare_exchange(running, ended, Ordering::AcqRel, Ordering::Relaxed)
        .is_ok()
}

/// This is the child of a `fork`. Async-signal-safe.
pub(crate) fn forked() {
    STATUS.store(Status::Forked as u8, Ordering::Relaxed);
}
