//! What is the same in every task, whatever its future: a program has this code once, and not for each of its functions.
//!
//! 1. `count`: any thread, by [references](super::reference) only. `remote`: any thread, through [`RemoteState`]'s transitions only.
//! 2. `state`, `key`, `cancelled`: the domain thread only, which is what the [`Executor::Scope`] or [`Executor::At`] argument of
//!    every method that touches them stands for, or what [`Executor::here`] has said.
//!    `storage` is written where the task is made, and by its stub before anybody else knows it.

use std::ptr::NonNull;

use super::executor::Executor;
use super::state::{AfterSuspend, AfterWake, AtHomeState, RemoteState};
use crate::checked::{AtomicUsize, Cell};

/// How many references there are, and what is done with what they refer to. Read by [references](super::reference) only.
pub(crate) struct Count<E: Executor> {
    pub(super) references: AtomicUsize,
    pub(super) operations: &'static Operations<E>,
}

/// What is done with a task, by its head. The first three take a reference.
pub(super) struct Operations<E: Executor> {
    /// Polls it, once.
    pub(super) poll: unsafe fn(NonNull<Head<E>>, &E::Scope<'_>, bool),
    /// Drops the future, and completes it.
    pub(super) end: unsafe fn(NonNull<Head<E>>, &E::Scope<'_>),
    /// Completes it, in the child of a `fork`.
    pub(super) disown: unsafe fn(NonNull<Head<E>>, &E::Scope<'_>),
    /// The last reference is gone.
    pub(super) free: unsafe fn(NonNull<Head<E>>),
}

pub(crate) struct Head<E: Executor> {
    pub(super) count: Count<E>,
    remote: RemoteState,
    state: AtHomeState,
    pub(crate) executor: E,
    key: Cell<E::Key>,
    cancelled: Cell<bool>,
    /// What is bound while it is polled, completed and dropped; none: it is in no call. Emptied when it has ended: wakers may
    /// keep the task.
    storage: Cell<Option<E::Storage>>,
}

/// Where a task that was woken is to be queued.
pub(super) enum Woken<At> {
    AtHome(At),
    Elsewhere,
    /// Nowhere: it is queued, is polled, or has ended.
    IsQueued,
}

impl<E: Executor> Head<E> {
    pub(crate) fn new(
        count: Count<E>,
        executor: E,
        (state, remote): (AtHomeState, RemoteState),
        storage: Option<E::Storage>,
    ) -> Self {
        Head {
            count,
            remote,
            state,
            executor,
            key: Cell::new(E::NO_KEY),
            cancelled: Cell::new(false),
            storage: Cell::new(storage),
        }
    }

    /// Its memory goes. The model checker does not see that by itself.
    #[cfg(loom)]
    pub(super) fn goes(&self) {
        self.key.set(self.key.get());
    }

    /// A new task, which nobody else knows, ends before it has begun.
    pub(crate) fn refuse(&mut self) {
        self.state.finish();
    }

    pub(crate) fn set_key(&self, _at: E::At, key: E::Key) {
        self.key.set(key);
    }

    pub(super) fn is_registered(&self, _scope: &E::Scope<'_>) -> bool {
        self.key.get() != E::NO_KEY
    }

    #[inline]
    pub(crate) fn is_open(&self, scope: &E::Scope<'_>) -> bool {
        self.executor.is_open(E::at(scope))
    }

    /// Whether the eager poll woke its own task, which `suspend` will queue.
    #[inline]
    pub(crate) fn is_woken(&self, _scope: &E::Scope<'_>) -> bool {
        self.state.is_woken()
    }

    /// Whether it was cancelled while it was polled or before it was suspended; `suspend` will end it.
    #[inline]
    pub(crate) fn is_cancelled(&self, _scope: &E::Scope<'_>) -> bool {
        self.cancelled.get()
    }

    /// What the stub learns only when the task is pending: what was bound in its call.
    pub(crate) fn set_storage(&self, _scope: &E::Scope<'_>, storage: E::Storage) {
        self.storage.set(Some(storage));
    }

    /// What is to be bound while it is polled, and whether it is in a call.
    #[inline]
    pub(super) fn call(&self, _scope: &E::Scope<'_>) -> (E::Storage, bool) {
        let storage = self.storage.take();
        self.storage.set(storage.clone());
        let in_call = storage.is_some();
        (storage.unwrap_or_default(), in_call)
    }

    /// It was in the domain's own queue: whether it is to be polled.
    #[inline]
    pub(super) fn start(&self, _scope: &E::Scope<'_>) -> bool {
        self.state.start()
    }

    /// It was in the queue from other threads: whether it is to be polled.
    #[inline]
    pub(super) fn start_remote(&self, _scope: &E::Scope<'_>) -> bool {
        self.remote.taken();
        self.state.start_remote()
    }

    /// Whether it waited to be woken, and is to be polled.
    #[inline]
    pub(super) fn start_idle(&self, _scope: &E::Scope<'_>) -> bool {
        self.state.start_idle()
    }

    #[inline]
    pub(super) fn suspend(&self, _scope: &E::Scope<'_>) -> AfterSuspend {
        self.state.suspend()
    }

    #[inline]
    pub(crate) fn finish(&self, _scope: &E::Scope<'_>) {
        self.state.finish();
    }

    /// It has ended: the executor need not keep it, and nothing is bound for it.
    #[inline]
    pub(crate) fn unregister(&self, scope: &E::Scope<'_>) {
        drop(self.storage.take());
        let key = self.key.replace(E::NO_KEY);
        self.executor.unregister(E::at(scope), key);
    }

    /// On any thread.
    #[inline]
    pub(super) fn woken(&self) -> Woken<E::At> {
        match self.executor.here() {
            Some(at) if self.wake_at_home(at) => Woken::AtHome(at),
            None if self.remote.wake() == AfterWake::Enqueue => Woken::Elsewhere,
            _ => Woken::IsQueued,
        }
    }

    /// Whether it is to be queued.
    #[inline]
    pub(super) fn wake_at_home(&self, _at: E::At) -> bool {
        self.state.wake() == AfterWake::Enqueue
    }

    /// Has it end now, by `end`, or after the poll that is under way.
    pub(super) fn cancel(&self, scope: &E::Scope<'_>, end: &mut dyn FnMut()) {
        if self.state.is_running() {
            self.cancelled.set(true);
        } else if !self.state.is_done() {
            let (storage, _) = self.call(scope);
            E::bind(scope, &storage, false, end);
        }
    }
}
