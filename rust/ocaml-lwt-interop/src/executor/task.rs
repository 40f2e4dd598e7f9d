//! The tasks of a domain executor: [`TaskCell`] with what the executor of a domain does for it.

use std::future::Future;
use std::task::Context;

use super::coop;
use super::standstill::Polling;
use super::task_cell;
use crate::ending::Ending;
use crate::home::{AtHome, Home, Key, Runnable, Scope, Task};
use crate::lock::is_child;
use crate::storage::{self, From, Storage};
use crate::tasks::memory::Memory;
use crate::tasks::{Executor, Keeper};

/// A task of a domain executor.
pub(crate) type TaskCell<F, C> = task_cell::TaskCell<&'static Home, F, C>;

/// See [`task_cell::Completion`].
pub(crate) trait Completion<T>: 'static {
    fn complete(self, scope: &Scope, ending: Ending<T>);
    fn disown(self, scope: &Scope);
}

impl<T, C: Completion<T>> task_cell::Completion<&'static Home, T> for C {
    #[inline]
    fn complete(self, scope: &Scope, ending: Ending<T>) {
        Completion::complete(self, scope, ending);
    }

    #[inline]
    fn disown(self, scope: &Scope) {
        Completion::disown(self, scope);
    }
}

// SAFETY: both proofs are
unsafe impl Executor for &'static Home {
    type At = AtHome;
    type Scope<'a> = Scope<'a>;
    type Key = Key;
    type Storage = Storage;

    const NO_KEY: Key = Key::NONE;

    #[inline]
    fn here(self) -> Option<AtHome> {
        AtHome::of(self)
    }

    #[inline]
    fn at(scope: &Scope) -> AtHome {
        scope.at()
    }

    #[inline]
    fn is_child() -> bool {
        is_child()
    }

    #[inline]
    fn is_open(self, at: AtHome) -> bool {
        Home::is_open(self, at)
    }

    #[inline]
    fn memory(&self, at: AtHome) -> &Memory {
        &self.local(at).memory
    }

    fn unregister(self, at: AtHome, key: Key) {
        Home::unregister(self, at, key);
    }

    #[inline]
    fn poll<R>(
        scope: &Scope,
        in_call: bool,
        context: &mut Context<'_>,
        f: impl FnOnce(&mut Context<'_>) -> R,
    ) -> R {
        storage::outside(!in_call, || {
            let _polling = scope.home().is_lwt().then(Polling::begin);
            coop::with_budget(context, f)
        })
    }

    #[inline]
    fn is_bound(scope: &Scope, storage: &Storage, in_tick: bool) -> bool {
        storage.is_bound(scope, from(in_tick))
    }

    fn bind(scope: &Scope, storage: &Storage, in_tick: bool, f: &mut dyn FnMut()) {
        storage.bind(scope, from(in_tick), f);
    }
}

// SAFETY: 1. `unregister` is what removes from the registry, but for the end of the domain, which cancels all that is in it first;
// 2. a tick runs what is queued, and the end cancels it
unsafe impl Keeper for &'static Home {
    fn register(self, at: AtHome, task: Task) -> Key {
        Home::register(self, at, task)
    }

    fn push(self, at: AtHome, task: Task) {
        Home::push(self, at, Runnable::Task(task));
    }

    fn wake(self, at: AtHome, task: Task) {
        self.wake_task(at, task);
    }

    fn send(self, task: Task) -> bool {
        self.send_task(task)
    }
}

#[inline]
fn from(in_tick: bool) -> From {
    if in_tick { From::Tick } else { From::Anywhere }
}

/// See [`TaskCell::local`].
pub(crate) fn spawn_local<F, C>(at: AtHome, future: F, completion: C) -> Task
where
    F: Future + 'static,
    C: Completion<F::Output>,
{
    TaskCell::local(at.home(), at, Storage::running(), future, completion)
}

/// See [`TaskCell::idle`].
pub(crate) fn spawn_idle<F, C>(scope: &Scope, future: F, completion: C) -> Task
where
    F: Future + 'static,
    C: Completion<F::Output>,
{
    let storage = Some(Storage::bound(scope));
    TaskCell::idle(scope.home(), scope.at(), storage, future, completion)
}

/// See [`TaskCell::remote`].
pub(crate) fn spawn_remote<F, C>(home: &'static Home, future: F, completion: C) -> Task
where
    F: Future + Send + 'static,
    C: Completion<F::Output> + Send,
{
    TaskCell::remote(home, Storage::running(), future, completion)
}
