//! The end of one executor: its futures are dropped, and what is queued is ended.

use std::panic::AssertUnwindSafe;

use crate::errors_to_ocaml;
use crate::home::{Runnable, Scope};
use crate::panic::catch;

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
/// none; a cancelled promise is cancelled still, since OCaml code that cleans up after it runs now or never.
pub(crate) fn end_queued(scope: &Scope) {
    let local = scope.home().local(scope.at());
    let came = scope.home().wake.close();
    local.queue.borrow_mut().extend(came);
    loop {
        let next = local.queue.borrow_mut().pop();
        let Some(runnable) = next else { return };
        guarded(scope, || match runnable {
            Runnable::Task(task) | Runnable::RemoteTask(task) | Runnable::Cancel(task) => {
                task.cancel(scope);
            }
            Runnable::Job(job) => drop(job),
            Runnable::Settle(settle) => settle(scope),
            Runnable::Release(release, what) => release(scope, what),
        });
    }
}

/// A panic of a destructor or a waker of the user's is reported, and the next one has its turn.
pub(crate) fn guarded(scope: &Scope, f: impl FnOnce()) {
    if let Err(panic) = catch(AssertUnwindSafe(f)) {
        errors_to_ocaml::report_panic(scope, &panic);
    }
}
