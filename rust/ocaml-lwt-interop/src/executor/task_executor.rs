//! What a task and its executor are to one another. Knows nothing of OCaml.

use std::task::Context;

use crate::checked::Arc;
use crate::ending::Ending;

/// Who polls a task, and keeps and queues it: the executor of a domain.
///
/// # Safety
/// 1. There is an [`Executor::At`], or a scope, on the executor's domain thread only.
/// 2. What is registered is kept until it is unregistered.
/// 3. What is pushed, woken or sent is run, with [`AnyTask::run`] or [`AnyTask::run_remote`], or cancelled, on the domain
///    thread; or it is dropped, when it is registered or was refused.
pub(crate) unsafe trait Executor: Copy + Send + Sync + 'static {
    /// Proof that this is the domain thread.
    type At: Copy;
    /// Proof that this is the domain thread, and that tasks may run.
    type Scope<'a>;
    /// Where a task is registered.
    type Key: Copy + PartialEq;
    /// What is bound in a call.
    type Storage: Clone + Default + Send;

    /// No task's.
    const NO_KEY: Self::Key;

    /// The proof that this is the domain thread, if it is.
    fn here(self) -> Option<Self::At>;
    fn at(scope: &Self::Scope<'_>) -> Self::At;
    /// This process is the child of a `fork`: nothing is polled, and the last reference may have locks of the user's.
    fn is_child() -> bool;

    /// Whether tasks are taken, and polled.
    fn is_open(self, at: Self::At) -> bool;
    fn register<T: AnyTask<Self>>(self, at: Self::At, task: Arc<T>) -> Self::Key;
    fn unregister(self, at: Self::At, key: Self::Key);

    /// At the end of the domain's own queue, from a poll.
    fn push<T: AnyTask<Self>>(self, at: Self::At, task: Arc<T>);
    /// The same from anywhere: somebody sees to it that the queue is looked at. Nothing, unless the executor is open.
    fn wake<T: AnyTask<Self>>(self, at: Self::At, task: Arc<T>);
    /// From another thread. False: it is refused, since the executor has shut down.
    fn send<T: AnyTask<Self>>(self, task: Arc<T>) -> bool;

    /// Runs `f`, a poll of a task that is in a call, or in none.
    fn poll<R>(
        scope: &Self::Scope<'_>,
        in_call: bool,
        context: &mut Context<'_>,
        f: impl FnOnce(&mut Context<'_>) -> R,
    ) -> R;
    /// Whether there is nothing to bind, and nothing to put back: what is to run with this storage bound may run as it is.
    fn is_bound(scope: &Self::Scope<'_>, storage: &Self::Storage, in_tick: bool) -> bool;
    /// Runs `f` once, with the storage of a call bound; from a tick, or from where anything may be bound. A function of any type: this
    /// is compiled once, and not for each future.
    fn bind(scope: &Self::Scope<'_>, storage: &Self::Storage, in_tick: bool, f: &mut dyn FnMut());
}

/// What happens with a task's ending: settle a Lwt promise, or hand it to whoever joins.
pub(crate) trait Completion<E: Executor, T>: 'static {
    /// Called once, on the domain thread, after the future was dropped.
    fn complete(self, scope: &E::Scope<'_>, ending: Ending<T>);
    /// Called instead in the child of a `fork`, with `Ending::Dropped`: wakes nobody, since the wakers' locks may be held
    /// by threads that do not exist here.
    fn disown(self, scope: &E::Scope<'_>);
}

/// What an executor does with a task it knows nothing about.
pub(crate) trait AnyTask<E: Executor>: Send + Sync + 'static {
    /// Polls it, once; it was in the domain's own queue.
    fn run(this: Arc<Self>, scope: &E::Scope<'_>);
    /// Polls it, once, unless it is queued here as well; it was in the queue from other threads.
    fn run_remote(this: Arc<Self>, scope: &E::Scope<'_>);
    /// Polls it, once, here and now, if it waits to be woken.
    fn run_if_idle(this: Arc<Self>, scope: &E::Scope<'_>);
    /// Wakes it, as its waker does at home.
    fn wake_at_home(this: Arc<Self>, at: E::At);
    /// Drops the future now, or after the poll that is under way, and completes it with `Ending::Dropped`.
    fn cancel(this: Arc<Self>, scope: &E::Scope<'_>);
    /// After `fork`, in the child: completes it without touching the future, whose locks may be held by threads that do
    /// not exist here.
    fn disown(this: Arc<Self>, scope: &E::Scope<'_>);
}
