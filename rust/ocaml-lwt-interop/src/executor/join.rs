//! [`JoinHandle`]: what `spawn` gives back.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use tokio::task::coop::poll_proceed;

use super::task::Completion;
use crate::ending::Ending;
use crate::error::Error;
use crate::errors_to_ocaml;
use crate::home::{Home, Runnable, Scope, Task};
use crate::lock::{Mutex, is_child};

/// A spawned task. You may await it on any thread. It gives the value of the task. It gives an error when the task panicked,
/// was aborted, or was left at shutdown (a broken promise). Polled again after that, it panics.
///
/// As with Tokio's, dropping the handle detaches the task, which runs on. `Lwt.async_exception_hook` hears of a panic in a
/// detached task.
///
/// ```
/// use std::rc::Rc;
///
/// use ocaml_lwt_interop::{Error, JoinHandle, spawn_local};
///
/// /// Two tasks at home, which may share what is not `Send`.
/// #[ocaml_lwt_interop::func]
/// pub async fn two_tasks() -> Result<isize, Error> {
///     let shared = Rc::new(20);
///     let other = shared.clone();
///     let a: JoinHandle<isize> = spawn_local(async move { *shared + 1 });
///     let b: JoinHandle<isize> = spawn_local(async move { *other + 1 });
///     Ok(a.await? + b.await?)
/// }
/// ```
pub struct JoinHandle<T> {
    shared: Arc<Shared<T>>,
    home: &'static Home,
    task: Arc<dyn Task>,
}

/// Under the lock nothing is woken and nothing of the user's is dropped. In the child of a `fork` in which it cannot be had
/// the task runs for ever.
struct Shared<T>(Mutex<State<T>>);

enum State<T> {
    /// The task runs.
    Running(Option<Waker>),
    /// It has ended and nobody has taken the ending.
    Ended(Ending<T>),
    /// The ending was taken.
    Taken,
    /// The handle is gone.
    Detached,
}

impl<T> Shared<T> {
    fn replace(&self, f: impl FnOnce(&mut State<T>) -> Option<State<T>>) -> Option<State<T>> {
        let mut state = self.0.lock()?;
        let next = f(&mut state)?;
        Some(std::mem::replace(&mut *state, next))
    }
}

/// The task's end of it.
pub(crate) struct Join<T>(Arc<Shared<T>>);

impl<T: 'static> Completion<T> for Join<T> {
    fn complete(self, scope: &Scope, ending: Ending<T>) {
        let mut ending = Some(ending);
        let before = self.0.replace(|state| match state {
            State::Running(_) => ending.take().map(State::Ended),
            _ => None,
        });
        if let Some(State::Running(Some(waker))) = before {
            waker.wake();
        }
        if let Some(Ending::Panic(panic)) = ending {
            let exception = errors_to_ocaml::of_panic(scope, &panic);
            errors_to_ocaml::report_async(scope, &exception);
        }
    }

    fn disown(self, _scope: &Scope) {
        std::mem::forget(self);
    }
}

/// When the task was refused, because the executor had shut down.
impl<T> Drop for Join<T> {
    fn drop(&mut self) {
        let before = self.0.replace(|state| match state {
            State::Running(_) => Some(State::Ended(Ending::Dropped)),
            _ => None,
        });
        if let Some(State::Running(Some(waker))) = before {
            waker.wake();
        }
    }
}

impl<T> JoinHandle<T> {
    /// Makes the task with `spawn` and the handle for it.
    pub(crate) fn new(home: &'static Home, spawn: impl FnOnce(Join<T>) -> Arc<dyn Task>) -> Self {
        let shared = Arc::new(Shared(Mutex::new(State::Running(None))));
        let task = spawn(Join(shared.clone()));
        JoinHandle { shared, home, task }
    }

    /// Lets the task run on without a handle.
    pub fn detach(self) {}

    /// Drops the task's future on the domain thread, in its next tick or later in the one that runs. Awaiting the
    /// handle then gives a broken promise, unless the task had ended.
    pub fn abort(&self) {
        self.home
            .queue_anywhere(Runnable::Cancel(self.task.clone()));
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        !matches!(
            self.shared.0.lock().as_deref(),
            None | Some(State::Running(_))
        )
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        // The old state is dropped here, outside the lock.
        let before = self.shared.replace(|state| match state {
            State::Running(_) | State::Ended(_) => Some(State::Detached),
            _ => None,
        });
        // It had panicked already, and nobody was told.
        if let Some(State::Ended(Ending::Panic(panic))) = before {
            let report = move |scope: &Scope| {
                let exception = errors_to_ocaml::of_panic(scope, &panic);
                errors_to_ocaml::report_async(scope, &exception);
            };
            self.home.queue_anywhere(Runnable::Job(Box::new(report)));
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let coop = ready!(poll_proceed(context));
        // What is not taken goes outside of the lock.
        let mut waker = Some(context.waker().clone());
        let before = self.shared.replace(|state| match state {
            State::Running(_) => Some(State::Running(waker.take())),
            State::Ended(_) => Some(State::Taken),
            _ => None,
        });
        match before {
            Some(State::Ended(ending)) => {
                coop.made_progress();
                Poll::Ready(ending.into_result())
            }
            Some(_) => Poll::Pending,
            None if is_child() => Poll::Pending,
            None => panic!("a JoinHandle was polled after it gave its value"),
        }
    }
}
