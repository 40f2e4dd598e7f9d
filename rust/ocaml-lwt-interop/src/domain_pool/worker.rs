//! What a worker domain does: its turns.

use std::cell::RefCell;
use std::sync::Arc;

use super::job::Job;
use super::pools::{find, refuse_all};
use super::queue::{Next, Pool};
use crate::caml;
use crate::error::Error;
use crate::executor::end::end_tasks;
use crate::executor::{start, tick};
use crate::handles::try_handle;
use crate::home::Scope;
use crate::rust_to_lwt::settled_call::{ask_whether_stopped, park};
use crate::signals;
use crate::status::{Status, status};

thread_local! {
    /// The worker that this thread is.
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

#[derive(Clone)]
struct Worker {
    pool: Arc<Pool>,
    index: usize,
    /// The job that runs.
    job: Option<Arc<dyn Job>>,
}

fn worker() -> Worker {
    WORKER
        .with_borrow(Clone::clone)
        .expect("a worker domain's thread is one until it leaves")
}

/// Makes this thread, that of a new domain, a worker of the pool. Runs no OCaml code.
pub(crate) fn start(pool: usize, index: usize) {
    let pool = find(pool);
    start::install_worker(pool.home(index));
    // OCaml's signal handlers run on threads that do not block the signal (`signals.c`, OCaml 5), so on the others. One of
    // them may wait in Lwt's loop for just that.
    signals::block();
    WORKER.set(Some(Worker {
        pool,
        index,
        job: None,
    }));
    ask_whether_stopped(is_job_canceled);
}

/// One turn: a tick, and a job or the wait for one. False: the domain is to end. Runs OCaml code.
pub(crate) fn turn(scope: &Scope) -> bool {
    let Worker { pool, index, .. } = worker();
    loop {
        tick::tick(scope);
        match pool.next(index) {
            Next::Run(job) => {
                set_job(Some(job.clone()));
                job.run(scope);
                set_job(None);
                pool.done(index);
                return true;
            }
            Next::Leave => return false,
            Next::Park => {
                park(scope);
                pool.woken(index);
            }
        }
    }
}

/// Whether the job that runs here was asked to end since the last call.
fn is_job_canceled() -> bool {
    worker().job.is_some_and(|job| job.take_cancel())
}

fn set_job(job: Option<Arc<dyn Job>>) {
    let before = WORKER.with_borrow_mut(|worker| {
        worker
            .as_mut()
            .and_then(|worker| std::mem::replace(&mut worker.job, job))
    });
    // Outside of the borrow.
    drop(before);
}

/// The domain is about to end, or the bridge has: drops what this domain's executor has. Runs OCaml code, none of the user's.
pub(crate) fn leave(scope: &Scope) {
    let Worker { pool, index, .. } = worker();
    end_tasks(scope);
    WORKER.set(None);
    scope.at().leave();
    let jobs = pool.leave(index);
    refuse_all(scope, jobs, Error::broken_promise);
    if status() != Status::Running {
        // Nobody waits for this domain any more, and the process ends with it or without it.
        caml::without_lock(scope.access(), || {
            loop {
                std::thread::park();
            }
        })
    }
}

/// A worker could not be started: no job was submitted yet.
pub(crate) fn gone(pool: &Pool, index: usize) {
    let jobs = pool.leave(index);
    debug_assert!(jobs.is_empty());
}

/// Whether what runs here was called in a job of that pool: this thread is one of its workers, or runs the body of a
/// `#[func]` for one, whose executor is entered while it does.
pub(super) fn is_of(pool: &Arc<Pool>) -> bool {
    let is_worker = WORKER.try_with(|worker| {
        let worker = worker.borrow();
        worker
            .as_ref()
            .is_some_and(|worker| Arc::ptr_eq(&worker.pool, pool))
    });
    is_worker.unwrap_or(false) || try_handle().is_some_and(|handle| pool.has(handle.home()))
}
