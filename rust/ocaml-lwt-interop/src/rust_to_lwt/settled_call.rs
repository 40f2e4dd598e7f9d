//! A call of a `#[func]` on a worker domain. It waits until the future has ended, and gives a promise that is settled.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use super::output::Settled;
use super::settle::{Converted, convert};
use crate::caml::{self, Callbacks};
use crate::conversion::ToOCaml;
use crate::ending::Ending;
use crate::error::Error;
use crate::errors_to_ocaml;
use crate::exception::Exception;
use crate::executor::task::{Completion, TaskCell};
use crate::executor::tick;
use crate::home::Scope;
use crate::status::{Status, status};
use crate::storage::Storage;

thread_local! {
    /// Says, once, that what runs here was asked to end.
    static STOPPED: Cell<fn() -> bool> = const { Cell::new(|| false) };
}

/// From now on the calls that wait on this thread, that of a worker domain, ask this whether they are to end.
pub(crate) fn ask_whether_stopped(is_stopped: fn() -> bool) {
    STOPPED.set(is_stopped);
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
    let task = TaskCell::<_, HandOver<Finish>>::eager(scope.home(), scope.at(), future);
    let ended = match TaskCell::poll_first(&task, scope) {
        Poll::Ready(ended) => ended,
        Poll::Pending => {
            let handed_over = Rc::new(Cell::new(None));
            let key = task.any().register(scope);
            task.set_completion(scope, HandOver(handed_over.clone()));
            task.head().set_storage(scope, Storage::bound(scope));
            task.into_any().suspend(scope);
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
    let is_stopped = STOPPED.get();
    loop {
        tick::tick(scope);
        if let Some(ended) = ended.take() {
            return Ok(ended);
        }
        let is_canceled = is_stopped();
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

/// Parks until somebody wakes this worker, with the runtime lock released; unless a task is runnable.
pub(crate) fn park(scope: &Scope) {
    let home = scope.home();
    if !home.has_runnable(scope.at()) {
        caml::without_lock(scope.access(), || home.wake.park());
    }
}

/// `Lwt.Canceled`. Runs OCaml code, may collect.
pub(crate) fn canceled(scope: &Scope) -> Exception {
    let (Ok(exception) | Err(exception)) = scope.home().ask(scope, &Callbacks::CANCELED, &(&(),));
    Exception::of_raised(scope, &exception).expect("Lwt.Canceled is an exception")
}
