//! [`JoinHandle`]: what `spawn` gives back.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::task::Completion;
use crate::ending::Ending;
use crate::error::Error;
use crate::errors_to_ocaml;
use crate::home::{Home, Runnable, Scope, Task};
use crate::lock::is_child;

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
    ended: oneshot::Receiver<Ending<T>>,
    home: &'static Home,
    task: Task,
}

/// The task's end of it.
pub(crate) struct Join<T>(Option<oneshot::Sender<Ending<T>>>);

impl<T: 'static> Completion<T> for Join<T> {
    fn complete(mut self, scope: &Scope, ending: Ending<T>) {
        // OCaml code that the task's last poll ran has forked, and who joins may have locks of threads that are not here.
        if is_child() {
            return Completion::<T>::disown(self, scope);
        }
        let Some(sender) = self.0.take() else { return };
        // The handle is gone.
        if let Err(Ending::Panic(panic)) = sender.send(ending) {
            errors_to_ocaml::report_panic(scope, &panic);
        }
    }

    fn disown(self, _scope: &Scope) {
        std::mem::forget(self);
    }
}

/// When the task was refused, because the executor had shut down.
impl<T> Drop for Join<T> {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(Ending::Dropped);
        }
    }
}

impl<T> JoinHandle<T> {
    /// Makes the task with `spawn` and the handle for it.
    pub(crate) fn new(home: &'static Home, spawn: impl FnOnce(Join<T>) -> Task) -> Self {
        let (sender, ended) = oneshot::channel();
        let task = spawn(Join(Some(sender)));
        JoinHandle { ended, home, task }
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
        !self.ended.is_empty() || self.ended.is_terminated()
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        self.ended.close();
        // It had panicked already, and nobody was told.
        if let Ok(Ending::Panic(panic)) = self.ended.try_recv() {
            let report = move |scope: &Scope| errors_to_ocaml::report_panic(scope, &panic);
            self.home.queue_anywhere(Runnable::Job(Box::new(report)));
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(
            !self.ended.is_terminated(),
            "a JoinHandle was polled after it gave its value"
        );
        let ended = ready!(Pin::new(&mut self.ended).poll(context));
        Poll::Ready(ended.unwrap_or(Ending::Dropped).into_result())
    }
}
