//! A task: a future, its completion, and the waker that leads back to its domain. One allocation. Knows nothing of OCaml: what
//! queues tasks is an [`Executor`], so that a model checker, and tests without OCaml, take this very file.
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
use std::mem::ManuallyDrop;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use super::task_executor::{AnyTask, Completion, Executor};
use super::task_head::{Head, Woken};
use super::task_state::{AfterSuspend, AtHomeState, RemoteState};
use crate::checked::{Arc, Cell, UnsafeCell};
use crate::ending::Ending;
use crate::panic::catch;

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
    E: Executor,
    F: Future + 'static,
    C: Completion<E, F::Output>,
{
    fn new(
        executor: E,
        states: (AtHomeState, RemoteState),
        storage: Option<E::Storage>,
        future: F,
        completion: Option<C>,
    ) -> Arc<Self> {
        Arc::new(TaskCell {
            head: Head::new(executor, states, storage),
            completion: Cell::new(completion),
            future: UnsafeCell::new(Some(future)),
        })
    }

    /// A task that the caller polls with [`TaskCell::poll_first`], on the domain thread.
    pub(crate) fn eager(executor: E, _at: E::At, future: F) -> Arc<Self> {
        let states = (AtHomeState::running(), RemoteState::idle());
        let storage = Some(E::Storage::default());
        Self::new(executor, states, storage, future, None)
    }

    /// A task made on its domain thread, in the call that makes it: queued, and registered so that it is dropped there at the
    /// latest when the executor ends. After that it is dropped here and now.
    pub(crate) fn local(
        executor: E,
        at: E::At,
        storage: Option<E::Storage>,
        future: F,
        completion: C,
    ) -> Arc<Self> {
        let states = (AtHomeState::queued(), RemoteState::idle());
        let mut task = Self::new(executor, states, storage, future, Some(completion));
        if executor.is_open(at) {
            task.head.set_key(at, executor.register(at, task.clone()));
            executor.wake(at, task.clone());
        } else {
            Self::refuse(&mut task);
        }
        task
    }

    /// As [`TaskCell::local`], but nothing polls it before it is woken. While the executor runs.
    pub(crate) fn idle(
        executor: E,
        at: E::At,
        storage: Option<E::Storage>,
        future: F,
        completion: C,
    ) -> Arc<Self> {
        let states = (AtHomeState::idle(), RemoteState::idle());
        let task = Self::new(executor, states, storage, future, Some(completion));
        task.head.set_key(at, executor.register(at, task.clone()));
        task
    }

    /// A task made on any other thread, in the call whose code runs there, if one's does. After shutdown it is dropped here and
    /// now.
    pub(crate) fn remote(
        executor: E,
        storage: Option<E::Storage>,
        future: F,
        completion: C,
    ) -> Arc<Self>
    where
        F: Send,
        C: Send,
    {
        let states = (AtHomeState::idle(), RemoteState::queued());
        let mut task = Self::new(executor, states, storage, future, Some(completion));
        if !executor.send(task.clone()) {
            Self::refuse(&mut task);
        }
        task
    }

    /// A new task is dropped where it was made, since the executor has shut down; whoever joins is told so.
    fn refuse(task: &mut Arc<Self>) {
        let task = Arc::get_mut(task).expect("nobody else knows a new task");
        task.head.refuse();
        // SAFETY: nobody else knows it, and it was never polled
        let future = task.future.with_mut(|future| unsafe { (*future).take() });
        // A panic of the user's destructor is the spawner's.
        drop(task.completion.take());
        drop(future);
    }

    /// The eager poll. Ready: the future is dropped and the task is finished; there is no completion to call.
    #[inline]
    pub(crate) fn poll_first(this: &Arc<Self>, scope: &E::Scope<'_>) -> Poll<Ending<F::Output>> {
        let ending = match Self::poll(this, scope, true) {
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

    /// Registers a task that is pending after its eager poll, and gives the key by which it can be cancelled.
    pub(crate) fn register(this: &Arc<Self>, scope: &E::Scope<'_>) -> E::Key {
        let at = E::at(scope);
        let key = this.head.executor.register(at, this.clone());
        this.head.set_key(at, key);
        key
    }

    pub(crate) fn head(&self) -> &Head<E> {
        &self.head
    }

    /// What the stub learns only after the task exists: whose promise it is.
    pub(crate) fn set_completion(&self, _scope: &E::Scope<'_>, completion: C) {
        self.completion.set(Some(completion));
    }

    #[inline]
    fn poll(this: &Arc<Self>, scope: &E::Scope<'_>, in_call: bool) -> Poll<Ending<F::Output>> {
        // SAFETY: the waker is dropped nowhere, so the reference it borrows from `this` is not given up; a clone makes
        // its own
        let waker =
            ManuallyDrop::new(unsafe { Waker::from_raw(Self::raw_waker(Arc::as_ptr(this))) });
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

    /// The end of a poll that was pending. A wake during the poll is honoured now; the reference becomes the queue's.
    pub(crate) fn suspend(this: Arc<Self>, scope: &E::Scope<'_>) {
        if this.head.is_cancelled(scope) {
            return this.end(scope, Ending::Dropped);
        }
        match this.head.suspend(scope) {
            AfterSuspend::Idle => {}
            AfterSuspend::Enqueue => this.head.executor.push(E::at(scope), this),
        }
    }

    fn run_once(this: Arc<Self>, scope: &E::Scope<'_>, in_tick: bool) {
        let (storage, in_call) = this.head.call(scope);
        if E::is_bound(scope, &storage, in_tick) {
            return Self::run_bound(this, scope, in_call);
        }
        let mut this = Some(this);
        E::bind(scope, &storage, in_tick, &mut || {
            let this = this.take().expect("it is run once");
            Self::run_bound(this, scope, in_call);
        });
    }

    fn run_bound(this: Arc<Self>, scope: &E::Scope<'_>, in_call: bool) {
        match Self::poll(&this, scope, in_call) {
            Poll::Ready(ending) => this.end(scope, ending),
            Poll::Pending => Self::suspend(this, scope),
        }
    }

    fn end(&self, scope: &E::Scope<'_>, ending: Ending<F::Output>) {
        self.head.finish(scope);
        let ending = self.drop_future(scope, ending);
        if let Some(completion) = self.take_completion(scope) {
            completion.complete(scope, ending);
        }
    }

    fn take_completion(&self, scope: &E::Scope<'_>) -> Option<C> {
        self.head.unregister(scope);
        self.completion.take()
    }

    const VTABLE: &'static RawWakerVTable = &RawWakerVTable::new(
        Self::clone_waker,
        Self::wake,
        Self::wake_by_ref,
        Self::drop_waker,
    );

    fn raw_waker(task: *const Self) -> RawWaker {
        RawWaker::new(task.cast(), Self::VTABLE)
    }

    unsafe fn clone_waker(task: *const ()) -> RawWaker {
        // SAFETY: a waker's pointer comes from an `Arc` of this type that lives at least as long as the waker
        unsafe { Arc::increment_strong_count(task.cast::<Self>()) };
        Self::raw_waker(task.cast())
    }

    unsafe fn wake(task: *const ()) {
        // SAFETY: as above; the waker's reference becomes ours
        let task = unsafe { Arc::from_raw(task.cast::<Self>()) };
        if E::is_child() {
            return std::mem::forget(task);
        }
        let woken = task.head.woken();
        Self::queue(task, woken);
    }

    fn queue(task: Arc<Self>, woken: Woken<E::At>) {
        let executor = task.head.executor;
        match woken {
            Woken::AtHome(at) => executor.wake(at, task),
            // After shutdown the task is done.
            Woken::Elsewhere => _ = executor.send(task),
            Woken::IsQueued => {}
        }
    }

    unsafe fn wake_by_ref(task: *const ()) {
        // SAFETY: as above; the waker keeps its reference, so ours is not dropped
        let task = unsafe { ManuallyDrop::new(Arc::from_raw(task.cast::<Self>())) };
        if E::is_child() {
            return;
        }
        match task.head.woken() {
            Woken::IsQueued => {}
            woken => Self::queue(Arc::<Self>::clone(&task), woken),
        }
    }

    unsafe fn drop_waker(task: *const ()) {
        // SAFETY: as above; the waker's reference goes. Rule 4 for the case that it is the last.
        drop(unsafe { Arc::from_raw(task.cast::<Self>()) });
    }
}

impl<E, F, C> AnyTask<E> for TaskCell<E, F, C>
where
    E: Executor,
    F: Future + 'static,
    C: Completion<E, F::Output>,
{
    fn run(this: Arc<Self>, scope: &E::Scope<'_>) {
        if this.head.start(scope) {
            Self::run_once(this, scope, true);
        }
    }

    fn run_remote(this: Arc<Self>, scope: &E::Scope<'_>) {
        if !this.head.start_remote(scope) {
            return;
        }
        if !this.head.is_registered(scope) {
            Self::register(&this, scope);
        }
        Self::run_once(this, scope, true);
    }

    fn run_if_idle(this: Arc<Self>, scope: &E::Scope<'_>) {
        if this.head.start_idle(scope) {
            Self::run_once(this, scope, false);
        }
    }

    fn wake_at_home(this: Arc<Self>, at: E::At) {
        if this.head.wake_at_home(at) {
            this.head.executor.wake(at, this);
        }
    }

    fn cancel(this: Arc<Self>, scope: &E::Scope<'_>) {
        this.head
            .cancel(scope, &mut || this.end(scope, Ending::Dropped));
    }

    fn disown(this: Arc<Self>, scope: &E::Scope<'_>) {
        this.head.finish(scope);
        if let Some(completion) = this.take_completion(scope) {
            completion.disown(scope);
        }
        std::mem::forget(this);
    }
}

#[cfg(test)]
#[path = "task_cell/tests/mod.rs"]
mod tests;
