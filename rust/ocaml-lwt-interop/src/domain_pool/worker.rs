//! What a worker domain does: its turns, and how a call of a `#[func]` waits there.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use super::queue::Next;
use super::{Pool, canceled, find, refuse_all};
use crate::caml;
use crate::conversion::ToOCaml;
use crate::domain_executor::try_handle;
use crate::ending::Ending;
use crate::error::Error;
use crate::errors_to_ocaml;
use crate::executor::end::end_tasks;
use crate::executor::task::{Completion, TaskCell};
use crate::executor::{start, tick};
use crate::home::Scope;
use crate::rust_to_lwt::output::Settled;
use crate::rust_to_lwt::settle::{Converted, convert};
use crate::status::{Status, status};
use crate::storage::Storage;

thread_local! {
    /// The worker that this thread is.
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

#[derive(Clone)]
struct Worker {
    pool: Arc<Pool>,
    index: usize,
    /// The job that runs.
    job: Option<Arc<dyn super::Job>>,
}

fn worker() -> Worker {
    WORKER
        .with_borrow(Clone::clone)
        .expect("a worker domain's thread is one until it leaves")
}

/// Makes this thread, that of a new domain, a worker of the pool. Runs no OCaml code.
pub(crate) fn start(pool: usize, index: usize) {
    let pool = find(pool);
    start::settle_worker(pool.home(index));
    // OCaml's signal handlers run on threads that do not block the signal (`signals.c`, OCaml 5), so on the others. One of
    // them may wait in Lwt's loop for just that.
    crate::signals::block();
    WORKER.set(Some(Worker {
        pool,
        index,
        job: None,
    }));
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

fn set_job(job: Option<Arc<dyn super::Job>>) {
    let before = WORKER.with_borrow_mut(|worker| {
        worker
            .as_mut()
            .and_then(|worker| std::mem::replace(&mut worker.job, job))
    });
    // Outside of the borrow.
    drop(before);
}

/// Parks until somebody wakes this worker, with the runtime lock released; unless a task is runnable.
fn park(scope: &Scope) {
    let home = scope.home();
    if !home.has_runnable(scope.at()) {
        // SAFETY: a scope holds the lock; the wake path touches nothing of OCaml's
        unsafe { caml::without_lock(|| home.wake.park()) };
    }
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
        // SAFETY: a scope holds the lock
        unsafe {
            caml::without_lock(|| {
                loop {
                    std::thread::park();
                }
            })
        }
    }
}

/// A worker could not be started: no job was submitted yet.
pub(crate) fn gone(pool: &Pool, index: usize) {
    let jobs = pool.leave(index);
    debug_assert!(jobs.is_empty());
}

/// Hands a task's ending to the call that waits for it.
struct HandOver<T>(Rc<Cell<Option<Ending<T>>>>);

impl<T: 'static> Completion<T> for HandOver<T> {
    fn complete(self, _scope: &Scope, ending: Ending<T>) {
        self.0.set(Some(ending));
    }

    fn disown(self, _scope: &Scope) {
        std::mem::forget(self);
    }
}

/// What is left to do with the output of a future: to convert it.
type Finish = Box<dyn FnOnce(&Scope) -> Converted>;

/// A call of the `#[func]` called `what` on a worker domain: polls its future, and this domain's executor, until there is an
/// ending. Runs OCaml code.
///
/// In boxes, so that a program has the code that waits once, and not for each of its functions.
#[cold]
pub(crate) fn run_to_end<F, T, E>(scope: &Scope, what: &str, future: F, ending: E) -> Converted
where
    F: Future + 'static,
    T: ToOCaml + 'static,
    E: FnOnce(F::Output) -> Ending<Settled<T>> + 'static,
{
    let boxed = async move {
        let output = future.await;
        Box::new(move |scope: &Scope| convert(scope, ending(output))) as Finish
    };
    run_boxed(scope, what, Box::pin(boxed))
}

#[inline(never)]
fn run_boxed(
    scope: &Scope,
    what: &str,
    future: Pin<Box<dyn Future<Output = Finish>>>,
) -> Converted {
    let task = TaskCell::<_, HandOver<Finish>>::eager(scope.at(), future);
    let ended = match task.poll_first(scope) {
        Poll::Ready(ended) => ended,
        Poll::Pending => {
            let handed_over = Rc::new(Cell::new(None));
            let key = task.register(scope);
            task.set_completion(scope, HandOver(handed_over.clone()));
            task.set_storage(scope, Storage::bound(scope));
            task.suspend(scope);
            let cancel = || scope.home().cancel(scope, key);
            match wait(scope, &handed_over, cancel) {
                Ok(ended) => ended,
                Err(NoWait::Canceled) => {
                    let error = Error::from_exception(canceled(scope));
                    return Converted::Exception(errors_to_ocaml::of_error(scope, &error));
                }
                Err(NoWait::InTask) => {
                    let error = Error::misuse(format!(
                        "{what} was called on a worker domain by OCaml code that a Rust task runs there, and was not ready \
                         at once, so the task would wait for itself: call it from Rust and await it there"
                    ));
                    return Converted::Exception(errors_to_ocaml::of_error(scope, &error));
                }
            }
        }
    };
    match ended {
        Ending::Value(finish) => finish(scope),
        Ending::Error(error) => convert::<()>(scope, Ending::Error(error)),
        Ending::Panic(panic) => convert::<()>(scope, Ending::Panic(panic)),
        Ending::Dropped => convert::<()>(scope, Ending::Dropped),
    }
}

enum NoWait {
    /// The job was cancelled meanwhile, and the task with it.
    Canceled,
    /// A task of this domain is being polled.
    InTask,
}

/// Ticks and parks until the task has ended.
fn wait<T>(
    scope: &Scope,
    ended: &Cell<Option<Ending<T>>>,
    cancel: impl Fn(),
) -> Result<Ending<T>, NoWait> {
    if scope.home().is_ticking(scope.at()) {
        cancel();
        return Err(NoWait::InTask);
    }
    let job = worker().job;
    loop {
        tick::tick(scope);
        if let Some(ended) = ended.take() {
            return Ok(ended);
        }
        let is_canceled = job.as_ref().is_some_and(|job| job.take_cancel());
        if is_canceled || status() != Status::Running {
            cancel();
            return match ended.take() {
                // The value came with the cancellation of its future.
                Some(ended @ (Ending::Value(_) | Ending::Panic(_))) => Ok(ended),
                _ if is_canceled => Err(NoWait::Canceled),
                _ => Ok(Ending::Dropped),
            };
        }
        park(scope);
    }
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
