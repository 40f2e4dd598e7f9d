//! The end of an executor: shutdown, process exit, and the child of a `fork`.

use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::{Runnable, Scope};
use crate::caml;

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

static STATUS: AtomicU8 = AtomicU8::new(Status::Running as u8);

#[inline]
pub(crate) fn status() -> Status {
    match STATUS.load(Ordering::Relaxed) {
        0 => Status::Running,
        1 => Status::ShutDown,
        _ => Status::Forked,
    }
}

/// Notices every `fork` from now on. `exec` after it is fine: our descriptors are close-on-exec.
pub(super) fn watch_forks() {
    extern "C" fn in_child() {
        STATUS.store(Status::Forked as u8, Ordering::Relaxed);
    }
    static WATCHING: Once = Once::new();
    // SAFETY: the handler is async-signal-safe: one atomic store
    WATCHING.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
}

/// Refuses new work, drops this domain's futures here, and lets Tokio finish for at most `timeout` with the runtime
/// lock released. The second call does nothing, and so does one in the child of a `fork`.
///
/// Runs OCaml code: the promises of the dropped futures are rejected with `Broken_promise`.
pub(crate) fn shutdown(scope: &Scope, timeout: Duration) {
    let running = Status::Running as u8;
    if STATUS
        .compare_exchange(
            running,
            Status::ShutDown as u8,
            Ordering::AcqRel,
            Ordering::Relaxed,
        )
        .is_err()
    {
        return;
    }
    let home = scope.home();
    let local = home.local(scope.at());
    // What other threads sent: dropping it tells the threads that wait for an answer that there will be none.
    drop(home.wake.close());
    loop {
        let next = local.queue.borrow_mut().pop_front();
        match next {
            // A cancelled promise is cancelled still: OCaml code that cleans up behind it runs now or never.
            Some(Runnable::Release(release)) => release.run(scope),
            Some(runnable) => drop(runnable),
            None => break,
        }
    }
    let tasks = local.registry.borrow().all();
    for task in tasks {
        task.cancel(scope);
    }
    // SAFETY: a scope holds the lock; Tokio's shutdown touches nothing of OCaml's: tasks that die on its workers drop
    // handles, which is allowed everywhere
    unsafe { caml::without_lock(|| crate::tokio_runtime::shutdown(timeout)) };
}

/// In the child of a `fork`: rejects what can never be resolved here, without touching the futures.
pub(crate) fn disown_all(scope: &Scope) {
    let local = scope.home().local(scope.at());
    let tasks = local.registry.borrow().all();
    for task in tasks {
        task.disown(scope);
    }
}
