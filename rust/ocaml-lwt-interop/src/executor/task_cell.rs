//! A task: a future, its completion, and the waker that leads back to its domain. One allocation. Knows nothing of OCaml: what
//! queues tasks is an [`Executor`], so that a model checker, and tests without OCaml, take this very file.
//!
//! Why not `async-task`: measured on this machine, polling a new task that is ready at once costs 31 ns with it and 16
//! with this one, a yield 56 and 38; a ready call of the whole bridge is to cost 50. HACKING.md has the numbers.
//!
//! Rules, field by field:
//!
//! 1. `remote`: any thread, through [`RemoteState`]'s transitions only.
//! 2. `state`, `future`, `completion`, `key`, `cancelled`: the domain thread only, which is what the [`Executor::Scope`] or
//!    [`Executor::At`] argument of every method that touches them stands for. Hence a future that is not `Send` is polled and
//!    dropped where it was made.
//!    `storage` is written where the task is made, and by its stub before anybody else knows it.
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

use super::checked::{Arc, Cell, UnsafeCell};
use super::task_executor::{AnyTask, Completion, Executor};
use super::task_state::{AfterSuspend, AfterWake, AtHomeState, RemoteState};
use crate::ending::Ending;
use crate::panic::catch;

pub(crate) struct TaskCell<E: Executor, F: Future, C> {
    remote: RemoteState,
    state: AtHomeState,
    executor: E,
    key: Cell<E::Key>,
    cancelled: Cell<bool>,
    /// What is bound while it is polled, completed and dropped; none: it is in no call. Emptied when it has ended: wakers may
    /// keep the task.
    storage: Cell<Option<E::Storage>>,
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
        (state, remote): (AtHomeState, RemoteState),
        storage: Option<E::Storage>,
        future: F,
        completion: Option<C>,
    ) -> Arc<Self> {
        Arc::new(TaskCell {
            remote,
            state,
            executor,
            key: Cell::new(E::NO_KEY),
            cancelled: Cell::new(false),
            storage: Cell::new(storage),
            completion: Cell::new(completion),
            future: UnsafeCell::new(Some(future)),
        })
    }

    /// A task that the caller polls with [`TaskCell::poll_first`], on the domain thread.
    pub(crate) fn eager(executor: E, _at: E::At, future: F) -> Arc<Self> {
        let state = (AtHomeState::running(), RemoteState::idle());
        let storage = Some(E::Storage::default());
        Self::new(executor, state, storage, future, None)
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
        let state = (AtHomeState::queued(), RemoteState::idle());
        let mut task = Self::new(executor, state, storage, future, Some(completion));
        if executor.is_open(at) {
            task.key.set(executor.register(at, task.clone()));
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
        let state = (AtHomeState::idle(), RemoteState::idle());
        let task = Self::new(executor, state, storage, future, Some(completion));
        task.key.set(executor.register(at, task.clone()));
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
        let state = (AtHomeState::idle(), RemoteState::queued());
        let mut task = Self::new(executor, state, storage, future, Some(completion));
        if !executor.send(task.clone()) {
            Self::refuse(&mut task);
        }
        task
    }

    /// A new task is dropped where it was made, since the executor has shut down; whoever joins is told so.
    fn refuse(task: &mut Arc<Self>) {
        let task = Arc::get_mut(task).expect("nobody else knows a new task");
        task.state.finish();
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
            Poll::Pending if this.executor.is_open(E::at(scope)) => return Poll::Pending,
            // OCaml code that the poll ran has shut the bridge down, or forked; or a destructor on a worker domain that leaves
            // has called: nobody would poll again.
            Poll::Pending => Ending::Dropped,
        };
        this.state.finish();
        if E::is_child() {
            std::mem::forget(this.clone());
            return Poll::Ready(ending);
        }
        Poll::Ready(this.drop_future(scope, ending))
    }

    /// Registers a task that is pending after its eager poll, and gives the key by which it can be cancelled.
    pub(crate) fn register(this: &Arc<Self>, scope: &E::Scope<'_>) -> E::Key {
        let key = this.executor.register(E::at(scope), this.clone());
        this.key.set(key);
        key
    }

    /// Whether the eager poll woke its own task, which `suspend` will queue.
    pub(crate) fn is_woken(&self, _scope: &E::Scope<'_>) -> bool {
        self.state.is_woken()
    }

    /// Whether it was cancelled while it was polled or before it was suspended; `suspend` will end it.
    pub(crate) fn is_cancelled(&self, _scope: &E::Scope<'_>) -> bool {
        self.cancelled.get()
    }

    /// What the stub learns only when the task is pending: what was bound in its call.
    pub(crate) fn set_storage(&self, _scope: &E::Scope<'_>, storage: E::Storage) {
        self.storage.set(Some(storage));
    }

    fn storage(&self, _scope: &E::Scope<'_>) -> Option<E::Storage> {
        let storage = self.storage.take();
        self.storage.set(storage.clone());
        storage
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
        if this.cancelled.get() {
            return this.end(scope, Ending::Dropped);
        }
        match this.state.suspend() {
            AfterSuspend::Idle => {}
            AfterSuspend::Enqueue => this.executor.push(E::at(scope), this),
        }
    }

    fn run_once(this: Arc<Self>, scope: &E::Scope<'_>, in_tick: bool) {
        let storage = this.storage(scope);
        let in_call = storage.is_some();
        E::bind(
            scope,
            &storage.unwrap_or_default(),
            in_tick,
            || match Self::poll(&this, scope, in_call) {
                Poll::Ready(ending) => this.end(scope, ending),
                Poll::Pending => Self::suspend(this, scope),
            },
        );
    }

    fn end(&self, scope: &E::Scope<'_>, ending: Ending<F::Output>) {
        self.state.finish();
        let ending = self.drop_future(scope, ending);
        if let Some(completion) = self.take_completion(scope) {
            completion.complete(scope, ending);
        }
    }

    fn take_completion(&self, scope: &E::Scope<'_>) -> Option<C> {
        drop(self.storage.take());
        let key = self.key.replace(E::NO_KEY);
        self.executor.unregister(E::at(scope), key);
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
        let executor = task.executor;
        match executor.here() {
            Some(at) if task.state.wake() == AfterWake::Enqueue => executor.wake(at, task),
            // After shutdown the task is done.
            None if task.remote.wake() == AfterWake::Enqueue => _ = executor.send(task),
            _ => {}
        }
    }

    unsafe fn wake_by_ref(task: *const ()) {
        // SAFETY: as above; the waker keeps its reference, so ours is not dropped
        let task = unsafe { ManuallyDrop::new(Arc::from_raw(task.cast::<Self>())) };
        if E::is_child() {
            return;
        }
        match task.executor.here() {
            Some(at) if task.state.wake() == AfterWake::Enqueue => {
                task.executor.wake(at, Arc::<Self>::clone(&task));
            }
            None if task.remote.wake() == AfterWake::Enqueue => {
                _ = task.executor.send(Arc::<Self>::clone(&task));
            }
            _ => {}
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
        if this.state.start() {
            Self::run_once(this, scope, true);
        }
    }

    fn run_remote(this: Arc<Self>, scope: &E::Scope<'_>) {
        this.remote.taken();
        if !this.state.start_remote() {
            return;
        }
        if this.key.get() == E::NO_KEY {
            Self::register(&this, scope);
        }
        Self::run_once(this, scope, true);
    }

    fn run_if_idle(this: Arc<Self>, scope: &E::Scope<'_>) {
        if this.state.start_idle() {
            Self::run_once(this, scope, false);
        }
    }

    fn wake_at_home(this: Arc<Self>, at: E::At) {
        if this.state.wake() == AfterWake::Enqueue {
            this.executor.wake(at, this);
        }
    }

    fn cancel(this: Arc<Self>, scope: &E::Scope<'_>) {
        if this.state.is_running() {
            this.cancelled.set(true);
        } else if !this.state.is_done() {
            let storage = this.storage(scope).unwrap_or_default();
            E::bind(scope, &storage, false, || this.end(scope, Ending::Dropped));
        }
    }

    fn disown(this: Arc<Self>, scope: &E::Scope<'_>) {
        this.state.finish();
        if let Some(completion) = this.take_completion(scope) {
            completion.disown(scope);
        }
        std::mem::forget(this);
    }
}

#[cfg(test)]
#[path = "task_cell/tests/mod.rs"]
mod tests;
