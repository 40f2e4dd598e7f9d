//! A task: a future, its completion, and the [head](crate::tasks::head) that leads back to its domain. One allocation. Knows nothing
//! of OCaml: what queues tasks is an [`Executor`], so that a model checker, and tests without OCaml, take this very file.
//!
//! Why not `async-task`: measured on this machine, polling a new task that is ready at once costs 31 ns with it and 16
//! with this one, a yield 56 and 38; a ready call of the whole bridge is to cost 50. HACKING.md has the numbers.
//!
//! Rules, field by field:
//!
//! 1. `head`: see there. What is the same in every task is there, and is compiled once; what is here, for each future.
//! 2. `future`, `completion`: the domain thread only, which is what the [`Executor::Scope`] or [`Executor::At`] argument of every
//!    method that touches them stands for. Hence a future that is not `Send` is polled and dropped where it was made.
//! 3. `future` is pinned: it is dropped in place, never moved, and the allocation outlives it.
//! 4. When the last reference goes on another thread, `future` and `completion` are `None` already, or `Send`: the
//!    domain's registry holds a reference to every task with a future, until it is finished on the domain thread; a
//!    task that another thread makes and that has not reached the registry is made by [`TaskCell::remote`], which asks for
//!    `Send`.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::checked::{Cell, UnsafeCell};
use crate::ending::Ending;
use crate::panic::catch;
use crate::tasks::head::{Count, Head};
use crate::tasks::reference::{Body, Task};
use crate::tasks::state::{AtHomeState, RemoteState};
use crate::tasks::{Executor, Keeper, TaskRef};

/// What happens with a task's ending: settle a Lwt promise, or hand it to whoever joins.
pub(crate) trait Completion<E: Executor, T>: 'static {
    /// Called once, on the domain thread, after the future was dropped.
    fn complete(self, scope: &E::Scope<'_>, ending: Ending<T>);
    /// Called instead in the child of a `fork`, with `Ending::Dropped`: wakes nobody, since the wakers' locks may be held
    /// by threads that do not exist here.
    fn disown(self, scope: &E::Scope<'_>);
}

/// The head is first: a reference to it is one to the whole.
#[repr(C)]
pub(crate) struct TaskCell<E: Executor, F: Future, C> {
    head: Head<E>,
    completion: Cell<Option<C>>,
    future: UnsafeCell<Option<F>>,
}

// SAFETY: rules 1 to 4 of the module
unsafe impl<E: Executor, F: Future, C> Send for TaskCell<E, F, C> {}
// SAFETY: rules 1 to 4 of the module
unsafe impl<E: Executor, F: Future, C> Sync for TaskCell<E, F, C> {}

impl<E, F, C> TaskCell<E, F, C>
where
    E: Keeper,
    F: Future + 'static,
    C: Completion<E, F::Output>,
{
    #[inline]
    fn new(
        count: Count<E>,
        executor: E,
        states: (AtHomeState, RemoteState),
        storage: Option<E::Storage>,
        future: F,
        completion: Option<C>,
    ) -> Self {
        TaskCell {
            head: Head::new(count, executor, states, storage),
            completion: Cell::new(completion),
            future: UnsafeCell::new(Some(future)),
        }
    }

    /// A task that the caller polls with [`TaskCell::poll_first`], on the domain thread.
    #[inline]
    pub(crate) fn eager(executor: E, at: E::At, future: F) -> Task<E, Self> {
        Task::new(Some(executor.memory(at)), |count| {
            let states = (AtHomeState::running(), RemoteState::idle());
            let storage = Some(E::Storage::default());
            Self::new(count, executor, states, storage, future, None)
        })
    }

    /// A task made on its domain thread, in the call that makes it: queued, and registered so that it is dropped there at the
    /// latest when the executor ends. After that it is dropped here and now.
    pub(crate) fn local(
        executor: E,
        at: E::At,
        storage: Option<E::Storage>,
        future: F,
        completion: C,
    ) -> TaskRef<E> {
        let mut task = Task::new(Some(executor.memory(at)), |count| {
            let states = (AtHomeState::queued(), RemoteState::idle());
            Self::new(count, executor, states, storage, future, Some(completion))
        });
        if executor.is_open(at) {
            let key = executor.register(at, task.any().clone());
            task.head.set_key(at, key);
            executor.wake(at, task.any().clone());
        } else {
            Self::refuse(&mut task);
        }
        task.into_any()
    }

    /// As [`TaskCell::local`], but nothing polls it before it is woken. While the executor runs.
    pub(crate) fn idle(
        executor: E,
        at: E::At,
        storage: Option<E::Storage>,
        future: F,
        completion: C,
    ) -> TaskRef<E> {
        let task = Task::new(Some(executor.memory(at)), |count| {
            let states = (AtHomeState::idle(), RemoteState::idle());
            Self::new(count, executor, states, storage, future, Some(completion))
        });
        let key = executor.register(at, task.any().clone());
        task.head.set_key(at, key);
        task.into_any()
    }

    /// A task made on any other thread, in the call whose code runs there, if one's does. After shutdown it is dropped here and
    /// now.
    pub(crate) fn remote(
        executor: E,
        storage: Option<E::Storage>,
        future: F,
        completion: C,
    ) -> TaskRef<E>
    where
        F: Send,
        C: Send,
    {
        let mut task = Task::new(None, |count| {
            let states = (AtHomeState::idle(), RemoteState::queued());
            Self::new(count, executor, states, storage, future, Some(completion))
        });
        if !executor.send(task.any().clone()) {
            Self::refuse(&mut task);
        }
        task.into_any()
    }

    /// A new task is dropped where it was made, since the executor has shut down; whoever joins is told so.
    fn refuse(task: &mut Task<E, Self>) {
        let task = task.get_mut().expect("nobody else knows a new task");
        task.head.refuse();
        // SAFETY: nobody else knows it, and it was never polled
        let future = task.future.with_mut(|future| unsafe { (*future).take() });
        // A panic of the user's destructor is the spawner's.
        drop(task.completion.take());
        drop(future);
    }

    /// The eager poll. Ready: the future is dropped and the task is finished; there is no completion to call.
    #[inline]
    pub(crate) fn poll_first(
        this: &Task<E, Self>,
        scope: &E::Scope<'_>,
    ) -> Poll<Ending<F::Output>> {
        let ending = match Self::poll_future(this, scope, true) {
            Poll::Ready(ending) => ending,
            Poll::Pending if this.head.is_open(scope) => return Poll::Pending,
            // OCaml code that the poll ran has shut the bridge down, or forked; or a destructor on a worker domain that leaves
            // has called: nobody would poll again.
            Poll::Pending => Ending::Dropped,
        };
        this.head.finish(scope);
        if E::is_child() {
            std::mem::forget(this.clone());
            return Poll::Ready(ending);
        }
        Poll::Ready(this.drop_future(scope, ending))
    }

    pub(crate) fn head(&self) -> &Head<E> {
        &self.head
    }

    /// What the stub learns only after the task exists: whose promise it is.
    pub(crate) fn set_completion(&self, _scope: &E::Scope<'_>, completion: C) {
        self.completion.set(Some(completion));
    }

    #[inline]
    fn poll_future(
        this: &Task<E, Self>,
        scope: &E::Scope<'_>,
        in_call: bool,
    ) -> Poll<Ending<F::Output>> {
        let waker = this.any().waker();
        let mut context = Context::from_waker(&waker);
        let polled = this.future.with_mut(|future| {
            // SAFETY: rules 2 and 3, and a poll does not nest: state `RUNNING`
            let future = unsafe { Pin::new_unchecked(&mut *future) };
            let future = future.as_pin_mut()?;
            let poll = |context: &mut Context<'_>| catch(AssertUnwindSafe(|| future.poll(context)));
            Some(E::poll(scope, in_call, &mut context, poll))
        });
        match polled {
            Some(Ok(Poll::Pending)) => Poll::Pending,
            Some(Ok(Poll::Ready(value))) => Poll::Ready(Ending::Value(value)),
            Some(Err(panic)) => Poll::Ready(Ending::Panic(panic)),
            None => Poll::Ready(Ending::Dropped),
        }
    }

    /// Drops the future in place. A panic of its destructor becomes the ending, unless that is a panic already.
    fn drop_future(&self, _scope: &E::Scope<'_>, ending: Ending<F::Output>) -> Ending<F::Output> {
        // SAFETY: rule 2; not during a poll
        let drop_it = |future: *mut Option<F>| unsafe { *future = None };
        let dropped = catch(AssertUnwindSafe(|| self.future.with_mut(drop_it)));
        match (dropped, ending) {
            (Err(panic), Ending::Value(_) | Ending::Dropped) => Ending::Panic(panic),
            (_, ending) => ending,
        }
    }

    fn end_with(&self, scope: &E::Scope<'_>, ending: Ending<F::Output>) {
        self.head.finish(scope);
        let ending = self.drop_future(scope, ending);
        self.head.unregister(scope);
        if let Some(completion) = self.completion.take() {
            completion.complete(scope, ending);
        }
    }
}

// SAFETY: it begins with its head, which has the count that it is made with; rules 1 to 4 of the module
unsafe impl<E, F, C> Body<E> for TaskCell<E, F, C>
where
    E: Keeper,
    F: Future + 'static,
    C: Completion<E, F::Output>,
{
    fn poll(this: Task<E, Self>, scope: &E::Scope<'_>, in_call: bool) {
        match Self::poll_future(&this, scope, in_call) {
            Poll::Ready(ending) => this.end_with(scope, ending),
            Poll::Pending => this.into_any().suspend(scope),
        }
    }

    fn end(this: Task<E, Self>, scope: &E::Scope<'_>) {
        this.end_with(scope, Ending::Dropped);
    }

    fn disown(this: Task<E, Self>, scope: &E::Scope<'_>) {
        this.head.finish(scope);
        this.head.unregister(scope);
        if let Some(completion) = this.completion.take() {
            completion.disown(scope);
        }
        std::mem::forget(this);
    }
}

#[cfg(test)]
#[path = "task_cell/tests/mod.rs"]
mod tests;
