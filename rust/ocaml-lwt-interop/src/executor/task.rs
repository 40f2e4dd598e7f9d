//! A task: a future, its completion, and the waker that leads back to its domain. One allocation.
//!
//! Why not `async-task`: measured on this machine, polling a new task that is ready at once costs 31 ns with it and 16
//! with this one, a yield 56 and 38; a ready call of the whole bridge is to cost 50. HACKING.md has the numbers.
//!
//! Rules, field by field:
//!
//! 1. `remote`: any thread, through [`RemoteState`]'s transitions only.
//! 2. `state`, `future`, `completion`, `key`, `cancelled`: the domain thread only, which is what the [`Scope`] or
//!    [`AtHome`] argument of every method that touches them stands for. Hence a future that is not `Send` is polled and dropped
//!    where it was made.
//!    `storage` is written where the task is made, and by its stub before anybody else knows it.
//! 3. `future` is pinned: it is dropped in place, never moved, and the allocation outlives it.
//! 4. When the last reference goes on another thread, `future` and `completion` are `None` already, or `Send`: the
//!    domain's registry holds a reference to every task with a future, until it is finished on the domain thread; a
//!    task that another thread makes and that has not reached the registry is made by [`spawn_remote`], which asks for
//!    `Send`.

use std::cell::{Cell, UnsafeCell};
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use super::coop;
use super::standstill::Polling;
use super::task_state::{AtHomeState, RemoteState, Suspend, Wake};
use crate::ending::Ending;
use crate::home::{AtHome, Home, Key, Runnable, Scope, Task};
use crate::lock::is_child;
use crate::panic::catch;
use crate::status::{Status, status};
use crate::storage::{self, From, Storage};

/// What happens with a task's ending: settle a Lwt promise, or hand it to whoever joins.
pub(crate) trait Completion<T>: 'static {
    /// Called once, on the domain thread, after the future was dropped.
    fn complete(self, scope: &Scope, ending: Ending<T>);
    /// Called instead in the child of a `fork`, with `Ending::Dropped`: wakes nobody, since the wakers' locks may be held
    /// by threads that do not exist here.
    fn disown(self, scope: &Scope);
}

pub(crate) struct TaskCell<F: Future, C> {
    remote: RemoteState,
    state: AtHomeState,
    home: &'static Home,
    key: Cell<Key>,
    cancelled: Cell<bool>,
    /// What is bound while it is polled, completed and dropped; none: it is in no call. Emptied when it has ended: wakers may
    /// keep the task.
    storage: Cell<Option<Storage>>,
    completion: Cell<Option<C>>,
    future: UnsafeCell<Option<F>>,
}

// SAFETY: rules 1 to 4 of the module
unsafe impl<F: Future, C> Send for TaskCell<F, C> {}
// SAFETY: rules 1 to 4 of the module
unsafe impl<F: Future, C> Sync for TaskCell<F, C> {}

impl<F, C> TaskCell<F, C>
where
    F: Future + 'static,
    C: Completion<F::Output>,
{
    fn new(
        home: &'static Home,
        (state, remote): (AtHomeState, RemoteState),
        storage: Option<Storage>,
        future: F,
        completion: Option<C>,
    ) -> Arc<Self> {
        Arc::new(TaskCell {
            remote,
            state,
            home,
            key: Cell::new(Key::NONE),
            cancelled: Cell::new(false),
            storage: Cell::new(storage),
            completion: Cell::new(completion),
            future: UnsafeCell::new(Some(future)),
        })
    }

    /// A task that the caller polls with [`TaskCell::poll_first`], on the domain thread.
    pub(crate) fn eager(at: AtHome, future: F) -> Arc<Self> {
        let state = (AtHomeState::running(), RemoteState::idle());
        Self::new(at.home(), state, Some(Storage::NOTHING), future, None)
    }

    /// The eager poll. Ready: the future is dropped and the task is finished; there is no completion to call.
    pub(crate) fn poll_first(self: &Arc<Self>, scope: &Scope) -> Poll<Ending<F::Output>> {
        let ending = match storage::outside(false, || self.poll(scope)) {
            Poll::Ready(ending) => ending,
            Poll::Pending if scope.home().is_open(scope.at()) => return Poll::Pending,
            // OCaml code that the poll ran has shut the bridge down, or forked; or a destructor on a worker domain that leaves
            // has called: nobody would poll again.
            Poll::Pending => Ending::Dropped,
        };
        self.state.finish();
        if status() == Status::Forked {
            std::mem::forget(self.clone());
            return Poll::Ready(ending);
        }
        Poll::Ready(self.drop_future(scope, ending))
    }

    /// Registers a task that is pending after its eager poll, and gives the key by which it can be cancelled.
    pub(crate) fn register(self: &Arc<Self>, scope: &Scope) -> Key {
        let key = scope.home().register(scope.at(), self.clone());
        self.key.set(key);
        key
    }

    /// Whether the eager poll woke its own task, which `suspend` will queue.
    pub(crate) fn is_woken(&self, _scope: &Scope) -> bool {
        self.state.is_woken()
    }

    /// Whether it was cancelled while it was polled or before it was suspended; `suspend` will end it.
    pub(crate) fn is_cancelled(&self, _scope: &Scope) -> bool {
        self.cancelled.get()
    }

    /// What the stub learns only when the task is pending: what was bound in its call.
    pub(crate) fn set_storage(&self, _scope: &Scope, storage: Storage) {
        self.storage.set(Some(storage));
    }

    fn storage(&self, _scope: &Scope) -> Option<Storage> {
        let storage = self.storage.take();
        self.storage.set(storage.clone());
        storage
    }

    /// What the stub learns only after the task exists: whose promise it is.
    pub(crate) fn set_completion(&self, _scope: &Scope, completion: C) {
        self.completion.set(Some(completion));
    }

    fn poll(self: &Arc<Self>, scope: &Scope) -> Poll<Ending<F::Output>> {
        let _polling = scope.home().is_lwt().then(Polling::begin);
        // SAFETY: the waker is dropped nowhere, so the reference it borrows from `self` is not given up; a clone makes
        // its own
        let waker =
            ManuallyDrop::new(unsafe { Waker::from_raw(Self::raw_waker(Arc::as_ptr(self))) });
        let mut context = Context::from_waker(&waker);
        // SAFETY: rules 2 and 3, and a poll does not nest: state `RUNNING`
        let future = unsafe { Pin::new_unchecked(&mut *self.future.get()) };
        let Some(future) = future.as_pin_mut() else {
            return Poll::Ready(Ending::Dropped);
        };
        let poll = |context: &mut Context<'_>| catch(AssertUnwindSafe(|| future.poll(context)));
        match coop::with_budget(&mut context, poll) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ending::Value(value)),
            Err(panic) => Poll::Ready(Ending::Panic(panic)),
        }
    }

    /// Drops the future in place. A panic of its destructor becomes the ending, unless that is a panic already.
    fn drop_future(&self, _scope: &Scope, ending: Ending<F::Output>) -> Ending<F::Output> {
        // SAFETY: rule 2; not during a poll
        let dropped = catch(AssertUnwindSafe(|| unsafe { *self.future.get() = None }));
        match (dropped, ending) {
            (Err(panic), Ending::Value(_) | Ending::Dropped) => Ending::Panic(panic),
            (_, ending) => ending,
        }
    }

    /// The end of a poll that was pending. A wake during the poll is honoured now; the reference becomes the queue's.
    pub(crate) fn suspend(self: Arc<Self>, scope: &Scope) {
        if self.cancelled.get() {
            self.end(scope, Ending::Dropped);
        } else {
            match self.state.suspend() {
                Suspend::Idle => {}
                Suspend::Enqueue => scope.home().push(scope.at(), Runnable::Task(self)),
            }
        }
    }

    fn run_once(self: Arc<Self>, scope: &Scope, from: From) {
        let storage = self.storage(scope);
        let is_outside = storage.is_none();
        storage.unwrap_or_default().bind(scope, from, || {
            match storage::outside(is_outside, || self.poll(scope)) {
                Poll::Ready(ending) => self.end(scope, ending),
                Poll::Pending => self.suspend(scope),
            }
        });
    }

    fn end(self: &Arc<Self>, scope: &Scope, ending: Ending<F::Output>) {
        self.state.finish();
        let ending = self.drop_future(scope, ending);
        self.complete(scope, ending);
    }

    fn complete(self: &Arc<Self>, scope: &Scope, ending: Ending<F::Output>) {
        if let Some(completion) = self.take_completion(scope) {
            completion.complete(scope, ending);
        }
    }

    fn take_completion(&self, scope: &Scope) -> Option<C> {
        drop(self.storage.take());
        scope
            .home()
            .unregister(scope.at(), self.key.replace(Key::NONE));
        self.completion.take()
    }

    /// A new task is dropped where it was made, since the executor has shut down; whoever joins is told so.
    fn refuse(task: &mut Arc<Self>) {
        let task = Arc::get_mut(task).expect("nobody else knows a new task");
        task.state.finish();
        let future = task.future.get_mut().take();
        // A panic of the user's destructor is the spawner's.
        drop(task.completion.take());
        drop(future);
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
        // Nothing is polled in the child of a `fork`, and the last reference may have locks of the user's.
        if is_child() {
            return std::mem::forget(task);
        }
        match AtHome::of(task.home) {
            Some(at) if task.state.wake() == Wake::Enqueue => at.home().wake_task(at, task),
            // After shutdown the task is done.
            None if task.remote.wake() == Wake::Enqueue => _ = task.home.send_task(task),
            _ => {}
        }
    }

    unsafe fn wake_by_ref(task: *const ()) {
        // SAFETY: as above; the waker keeps its reference, so ours is not dropped
        let task = unsafe { ManuallyDrop::new(Arc::from_raw(task.cast::<Self>())) };
        if is_child() {
            return;
        }
        match AtHome::of(task.home) {
            Some(at) if task.state.wake() == Wake::Enqueue => {
                at.home().wake_task(at, Arc::<Self>::clone(&task));
            }
            None if task.remote.wake() == Wake::Enqueue => {
                _ = task.home.send_task(Arc::<Self>::clone(&task));
            }
            _ => {}
        }
    }

    unsafe fn drop_waker(task: *const ()) {
        // SAFETY: as above; the waker's reference goes. Rule 4 for the case that it is the last.
        drop(unsafe { Arc::from_raw(task.cast::<Self>()) });
    }
}

impl<F, C> Task for TaskCell<F, C>
where
    F: Future + 'static,
    C: Completion<F::Output>,
{
    fn run(self: Arc<Self>, scope: &Scope) {
        if self.state.start() {
            self.run_once(scope, From::Tick);
        }
    }

    fn run_remote(self: Arc<Self>, scope: &Scope) {
        self.remote.taken();
        if !self.state.start_remote() {
            return;
        }
        if self.key.get() == Key::NONE {
            self.register(scope);
        }
        self.run_once(scope, From::Tick);
    }

    fn run_if_idle(self: Arc<Self>, scope: &Scope) {
        if self.state.start_idle() {
            self.run_once(scope, From::Anywhere);
        }
    }

    fn wake_at_home(self: Arc<Self>, at: AtHome) {
        if self.state.wake() == Wake::Enqueue {
            at.home().wake_task(at, self);
        }
    }

    fn cancel(self: Arc<Self>, scope: &Scope) {
        if self.state.is_running() {
            self.cancelled.set(true);
        } else if !self.state.is_done() {
            let storage = self.storage(scope).unwrap_or_default();
            storage.bind(scope, From::Anywhere, || self.end(scope, Ending::Dropped));
        }
    }

    fn disown(self: Arc<Self>, scope: &Scope) {
        self.state.finish();
        if let Some(completion) = self.take_completion(scope) {
            completion.disown(scope);
        }
        std::mem::forget(self);
    }
}

/// A task made on its domain thread, in the call that makes it: queued, and registered so that it is dropped there at the
/// latest when the executor ends. After that it is dropped here and now.
pub(crate) fn spawn_local<F, C>(at: AtHome, future: F, completion: C) -> Arc<dyn Task>
where
    F: Future + 'static,
    C: Completion<F::Output>,
{
    let state = (AtHomeState::queued(), RemoteState::idle());
    let storage = Storage::running();
    let mut task = TaskCell::new(at.home(), state, storage, future, Some(completion));
    if !at.home().is_open(at) {
        TaskCell::refuse(&mut task);
        return task;
    }
    task.key.set(at.home().register(at, task.clone()));
    at.home().wake_task(at, task.clone());
    task
}

/// As [`spawn_local`], but nothing polls it before it is woken. While the executor runs.
pub(crate) fn spawn_idle<F, C>(scope: &Scope, future: F, completion: C) -> Arc<dyn Task>
where
    F: Future + 'static,
    C: Completion<F::Output>,
{
    let at = scope.at();
    let state = (AtHomeState::idle(), RemoteState::idle());
    let storage = Some(Storage::bound(scope));
    let task = TaskCell::new(at.home(), state, storage, future, Some(completion));
    task.key.set(at.home().register(at, task.clone()));
    task
}

/// A task made on any other thread, in the call whose code runs there, if one's does. After shutdown it is dropped here and now.
pub(crate) fn spawn_remote<F, C>(home: &'static Home, future: F, completion: C) -> Arc<dyn Task>
where
    F: Future + Send + 'static,
    C: Completion<F::Output> + Send,
{
    let state = (AtHomeState::idle(), RemoteState::queued());
    let storage = Storage::running();
    let mut task = TaskCell::new(home, state, storage, future, Some(completion));
    if !home.send_task(task.clone()) {
        TaskCell::refuse(&mut task);
    }
    task
}
