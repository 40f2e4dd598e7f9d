//! What is asked of who polls a task. Who keeps and queues it is a [`Keeper`](super::reference::Keeper) as well.

use std::task::Context;

use super::memory::Memory;

/// The executor of a domain.
///
/// # Safety
/// There is an [`Executor::At`], or a scope, on the executor's domain thread only.
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
    /// The domain thread's.
    fn memory(&self, at: Self::At) -> &Memory;

    /// Whether tasks are taken, and polled.
    fn is_open(self, at: Self::At) -> bool;
    /// The task with this key need not be kept any more.
    fn unregister(self, at: Self::At, key: Self::Key);

    /// Runs `f`, a poll of a task that is in a call, or in none.
    fn poll<R>(
        scope: &Self::Scope<'_>,
        in_call: bool,
        context: &mut Context<'_>,
        f: impl FnOnce(&mut Context<'_>) -> R,
    ) -> R;
    /// Whether there is nothing to bind, and nothing to put back: what is to run with this storage bound may run as it is.
    fn is_bound(scope: &Self::Scope<'_>, storage: &Self::Storage, in_tick: bool) -> bool;
    /// Runs `f` once, with the storage of a call bound; from a tick, or from where anything may be bound.
    fn bind(scope: &Self::Scope<'_>, storage: &Self::Storage, in_tick: bool, f: &mut dyn FnMut());
}
