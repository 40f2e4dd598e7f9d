//! The end of an executor: shutdown, process exit, and the child of a `fork`.

use std::panic::AssertUnwindSafe;
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::{Runnable, Scope};
use crate::caml;
use crate::domain_pool;
use crate::exception;
use crate::lock;
use crate::panic::catch;
use crate::runtime::children;
use crate::rust_to_lwt::settle::break_promise;

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

/// Notices every `fork` from now on: since there are threads that a child has not. `exec` after it is fine: our descriptors
/// are close-on-exec.
pub(crate) fn watch_forks() {
    extern "C" fn in_child() {
        STATUS.store(Status::Forked as u8, Ordering::Relaxed);
        lock::this_is_a_child();
        children::after_fork();
    }
    static WATCHING: Once = Once::new();
    // SAFETY: the handler is async-signal-safe: atomic stores, and this thread's mask
    WATCHING.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
}

/// Refuses new work, drops this domain's futures here, and lets worker domains and Tokio finish for at most `timeout` with the
/// runtime lock released. The second call does nothing, and so does one in the child of a `fork`.
///
/// Runs OCaml code: every promise of ours is settled when it returns. No panic of a destructor or a waker keeps it from
/// the rest.
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
    let local = scope.home().local(scope.at());
    end_tasks(scope);
    domain_pool::shutdown_all(scope);
    // SAFETY: a scope holds the lock; neither touches anything of OCaml's: tasks that die on Tokio's workers drop handles,
    // which is allowed everywhere
    unsafe {
        caml::without_lock(|| {
            let left = domain_pool::wait_for_all(timeout);
            crate::runtime::shutdown(left);
        })
    };
    // What those tasks held: resolvers, and futures that await promises.
    end_queued(scope);
    let resolvers = local.resolvers.borrow_mut().take_all();
    for resolver in resolvers {
        break_promise(scope, resolver);
    }
    end_queued(scope);
}

/// Drops the futures of this domain, and ends what is queued for it; from now on its executor takes nothing that begins
/// something.
pub(crate) fn end_tasks(scope: &Scope) {
    let local = scope.home().local(scope.at());
    local.closed.set(true);
    end_queued(scope);
    let tasks: Vec<_> = local.registry.borrow().all().cloned().collect();
    for task in tasks {
        guarded(scope, || task.cancel(scope));
    }
    // What their destructors queued: ends.
    end_queued(scope);
}

/// Ends all that is queued here or was sent by other threads. Those that wait for an answer are told that there will be
/// none; a cancelled promise is cancelled still, since OCaml code that cleans up behind it runs now or never.
fn end_queued(scope: &Scope) {
    let local = scope.home().local(scope.at());
    let came = scope.home().wake.close();
    local.queue.borrow_mut().extend(came);
    loop {
        let next = local.queue.borrow_mut().pop_front();
        let Some(runnable) = next else { return };
        guarded(scope, || match runnable {
            Runnable::Task(task) | Runnable::RemoteTask(task) | Runnable::Cancel(task) => {
                task.cancel(scope);
            }
            Runnable::Job(job) => drop(job),
            Runnable::Settle(settle) => settle(scope),
            Runnable::Release(release) => release.run(scope),
        });
    }
}

/// A panic of a destructor or a waker of the user's is reported, and the next one has its turn.
pub(crate) fn guarded(scope: &Scope, f: impl FnOnce()) {
    if let Err(panic) = catch(AssertUnwindSafe(f)) {
        let exception = exception::of_panic(scope, &panic);
        exception::report_async(scope, &exception);
    }
}

/// In the child of a `fork`: rejects what can never be resolved here, without touching the futures.
pub(crate) fn disown_all(scope: &Scope) {
    let local = scope.home().local(scope.at());
    let tasks: Vec<_> = local.registry.borrow().all().cloned().collect();
    for task in tasks {
        task.disown(scope);
    }
    let resolvers = local.resolvers.borrow_mut().take_all();
    for resolver in resolvers {
        break_promise(scope, resolver);
    }
}
