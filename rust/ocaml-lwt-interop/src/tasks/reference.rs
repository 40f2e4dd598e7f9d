//! References to a task. [`TaskRef`] is one to a task of whatever future: a word, the address of its head. [`Task`] is one to a task of
//! a known one.
//!
//! 1. A task is made by [`Task::new`], in memory of its own, which holds a [`Body`]. The head is where a body begins, and has the
//!    [`Operations`] of this very body.
//! 2. The count is as in an `Arc`, but that who is alone is so without an atomic operation: who finds one reference, its own, is the
//!    only one that could make another. (`Arc` has a second count besides, for what is weak. A ready call had two atomic operations, a
//!    yield four; now none, and one or two.)
//! 3. What is behind the head is touched by its operations only, and by who has a [`Task`].

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use super::executor::Executor;
use super::head::{Count, Head, Operations};
use super::memory::Memory;
use super::state::AfterSuspend;
use crate::checked::{AtomicUsize, Ordering, fence};

/// A reference to a task of whatever future.
pub(crate) struct TaskRef<E: Executor>(pub(super) NonNull<Head<E>>);

// SAFETY: a head is `Sync`, as its own rules say; of the rest, what the body's contract says
unsafe impl<E: Executor> Send for TaskRef<E> {}
// SAFETY: as above
unsafe impl<E: Executor> Sync for TaskRef<E> {}

/// A reference to a task with this body.
pub(crate) struct Task<E: Executor, B> {
    any: TaskRef<E>,
    body: PhantomData<*const B>,
}

// SAFETY: a body is `Send` and `Sync`, as its contract says
unsafe impl<E: Executor, B: Body<E>> Send for Task<E, B> {}
// SAFETY: as above
unsafe impl<E: Executor, B: Body<E>> Sync for Task<E, B> {}

/// All of a task: its head, its future, and what happens with its ending.
///
/// # Safety
/// It begins with its [`Head`] (`repr(C)`), made with the [`Count`] that [`Task::new`] gave for it. It may be used and dropped on every
/// thread.
pub(crate) unsafe trait Body<E: Executor>: Sized + 'static {
    /// Polls it, once. It is `Running`. What was bound in its call is bound.
    fn poll(this: Task<E, Self>, scope: &E::Scope<'_>, in_call: bool);
    /// Drops the future now, and completes it with `Ending::Dropped`.
    fn end(this: Task<E, Self>, scope: &E::Scope<'_>);
    /// After `fork`, in the child: completes it without touching the future, whose locks may be held by threads that do
    /// not exist here.
    fn disown(this: Task<E, Self>, scope: &E::Scope<'_>);
}

/// Who keeps and queues tasks: the executor of a domain.
///
/// # Safety
/// 1. What is registered is kept until it is unregistered.
/// 2. What is pushed, woken or sent is run, with [`TaskRef::run`] or [`TaskRef::run_remote`], or cancelled, on the domain
///    thread; or it is dropped, when it is registered or was refused.
pub(crate) unsafe trait Keeper: Executor {
    fn register(self, at: Self::At, task: TaskRef<Self>) -> Self::Key;
    /// At the end of the domain's own queue, from a poll.
    fn push(self, at: Self::At, task: TaskRef<Self>);
    /// The same from anywhere: somebody sees to it that the queue is looked at. Nothing, unless the executor is open.
    fn wake(self, at: Self::At, task: TaskRef<Self>);
    /// From another thread. False: it is refused, since the executor has shut down.
    fn send(self, task: TaskRef<Self>) -> bool;
}

/// So many that a program would have forgotten them one by one: see `Arc`.
const MOST: usize = isize::MAX as usize;

impl<E: Executor, B: Body<E>> Task<E, B> {
    /// Of a task that was made at home: its memory goes back there.
    const OF_HOME: &'static Operations<E> = &Operations {
        poll: poll::<E, B>,
        end: end::<E, B>,
        disown: disown::<E, B>,
        free: free::<E, B, true>,
    };

    /// Of one that was made elsewhere. Home would not take again what it keeps of them.
    const FROM_ELSEWHERE: &'static Operations<E> = &Operations {
        free: free::<E, B, false>,
        ..*Self::OF_HOME
    };

    /// Makes a task, on the domain thread, whose memory that is, or elsewhere.
    #[inline]
    pub(crate) fn new(memory: Option<&Memory>, body: impl FnOnce(Count<E>) -> B) -> Self {
        let count = Count {
            references: AtomicUsize::new(1),
            operations: match memory {
                Some(_) => Self::OF_HOME,
                None => Self::FROM_ELSEWHERE,
            },
        };
        let body = body(count);
        let place = Memory::take::<B>(memory);
        // SAFETY: memory for a `B`, that is nobody else's
        unsafe { place.write(body) };
        // SAFETY: it begins with its head, which has these operations, as the contract of `Body` says
        unsafe { Self::of(TaskRef(place.cast())) }
    }

    /// # Safety
    /// It is a task with this body.
    #[inline]
    unsafe fn of(any: TaskRef<E>) -> Self {
        Task {
            any,
            body: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn into_any(self) -> TaskRef<E> {
        self.any
    }

    #[inline]
    pub(crate) fn any(&self) -> &TaskRef<E> {
        &self.any
    }

    /// The body, if this is the only reference.
    pub(crate) fn get_mut(&mut self) -> Option<&mut B> {
        let is_alone = self.any.is_alone();
        // SAFETY: a task with this body; nobody else has a reference, and none is made while this one is borrowed
        is_alone.then(|| unsafe { self.any.0.cast::<B>().as_mut() })
    }
}

impl<E: Executor, B> Deref for Task<E, B> {
    type Target = B;

    #[inline]
    fn deref(&self) -> &B {
        // SAFETY: a task with this body, which is there as long as a reference is
        unsafe { self.any.0.cast::<B>().as_ref() }
    }
}

impl<E: Executor, B> Clone for Task<E, B> {
    #[inline]
    fn clone(&self) -> Self {
        Task {
            any: self.any.clone(),
            body: PhantomData,
        }
    }
}

/// # Safety
/// A reference to a task with this body, which nobody else has.
unsafe fn poll<E: Executor, B: Body<E>>(
    task: NonNull<Head<E>>,
    scope: &E::Scope<'_>,
    in_call: bool,
) {
    // SAFETY: as this function's
    B::poll(unsafe { Task::of(TaskRef(task)) }, scope, in_call);
}

/// # Safety
/// A reference to a task with this body, which nobody else has.
unsafe fn end<E: Executor, B: Body<E>>(task: NonNull<Head<E>>, scope: &E::Scope<'_>) {
    // SAFETY: as this function's
    B::end(unsafe { Task::of(TaskRef(task)) }, scope);
}

/// # Safety
/// A reference to a task with this body, which nobody else has.
unsafe fn disown<E: Executor, B: Body<E>>(task: NonNull<Head<E>>, scope: &E::Scope<'_>) {
    // SAFETY: as this function's
    B::disown(unsafe { Task::of(TaskRef(task)) }, scope);
}

/// # Safety
/// A task with this body, to which there is no reference any more.
unsafe fn free<E: Executor, B: Body<E>, const OF_HOME: bool>(head: NonNull<Head<E>>) {
    /// Also when a destructor panics.
    struct Free<E: Executor, B, const OF_HOME: bool>(E, NonNull<B>);
    impl<E: Executor, B, const OF_HOME: bool> Drop for Free<E, B, OF_HOME> {
        #[inline]
        fn drop(&mut self) {
            let at = OF_HOME.then(|| self.0.here()).flatten();
            let memory = at.map(|at| self.0.memory(at));
            // SAFETY: `Task::new` has it from `take`; what was in it is dropped
            unsafe { Memory::give_back(memory, self.1) };
        }
    }
    // SAFETY: it is there, and has a head
    let executor = unsafe { head.as_ref() }.executor;
    #[cfg(loom)]
    // SAFETY: as above
    unsafe { head.as_ref() }.goes();
    let body = Free::<_, _, OF_HOME>(executor, head.cast::<B>());
    // SAFETY: nobody uses it any more
    unsafe { body.1.drop_in_place() };
}

impl<E: Executor> TaskRef<E> {
    #[inline]
    pub(crate) fn head(&self) -> &Head<E> {
        // SAFETY: it is there as long as a reference is
        unsafe { self.0.as_ref() }
    }

    #[inline]
    fn count(&self) -> &Count<E> {
        &self.head().count
    }

    /// Rule 2. What others have done with the task before they let go of it is seen.
    #[inline]
    fn is_alone(&self) -> bool {
        self.count().references.load(Ordering::Acquire) == 1
    }

    /// The reference as a pointer.
    #[inline]
    fn into_head(self) -> NonNull<Head<E>> {
        ManuallyDrop::new(self).0
    }

    #[cfg(test)]
    pub(crate) fn references(&self) -> usize {
        self.count().references.load(Ordering::Acquire)
    }
}

impl<E: Keeper> TaskRef<E> {
    /// Polls it, once; it was in the domain's own queue.
    #[inline]
    pub(crate) fn run(self, scope: &E::Scope<'_>) {
        if self.head().start(scope) {
            self.poll(scope, true);
        }
    }

    /// Polls it, once, unless it is queued here as well; it was in the queue from other threads.
    pub(crate) fn run_remote(self, scope: &E::Scope<'_>) {
        if !self.head().start_remote(scope) {
            return;
        }
        if !self.head().is_registered(scope) {
            self.register(scope);
        }
        self.poll(scope, true);
    }

    /// Polls it, once, here and now, if it waits to be woken.
    pub(crate) fn run_if_idle(self, scope: &E::Scope<'_>) {
        if self.head().start_idle(scope) {
            self.poll(scope, false);
        }
    }

    fn poll(self, scope: &E::Scope<'_>, in_tick: bool) {
        let (storage, in_call) = self.head().call(scope);
        let poll = self.count().operations.poll;
        if E::is_bound(scope, &storage, in_tick) {
            // SAFETY: a task's own operation
            return unsafe { poll(self.into_head(), scope, in_call) };
        }
        let mut this = Some(self);
        E::bind(scope, &storage, in_tick, &mut || {
            let this = this.take().expect("it is run once");
            // SAFETY: a task's own operation
            unsafe { poll(this.into_head(), scope, in_call) };
        });
    }

    /// The end of a poll that was pending. A wake during the poll is honoured now; the reference becomes the queue's.
    pub(crate) fn suspend(self, scope: &E::Scope<'_>) {
        if self.head().is_cancelled(scope) {
            return self.end(scope);
        }
        match self.head().suspend(scope) {
            AfterSuspend::Idle => {}
            AfterSuspend::Enqueue => self.head().executor.push(E::at(scope), self),
        }
    }

    fn end(self, scope: &E::Scope<'_>) {
        let end = self.count().operations.end;
        // SAFETY: a task's own operation
        unsafe { end(self.into_head(), scope) };
    }

    /// Keeps it until it ends, on the domain thread; gives the key by which it can be cancelled.
    pub(crate) fn register(&self, scope: &E::Scope<'_>) -> E::Key {
        let at = E::at(scope);
        let key = self.head().executor.register(at, self.clone());
        self.head().set_key(at, key);
        key
    }

    /// Wakes it, as its waker does at home.
    pub(crate) fn wake_at_home(self, at: E::At) {
        if self.head().wake_at_home(at) {
            self.head().executor.wake(at, self);
        }
    }

    /// Drops the future now, or after the poll that is under way, and completes it with `Ending::Dropped`.
    pub(crate) fn cancel(self, scope: &E::Scope<'_>) {
        self.head().cancel(scope, &mut || self.clone().end(scope));
    }

    /// After `fork`, in the child: completes it without touching the future, whose locks may be held by threads that do
    /// not exist here.
    pub(crate) fn disown(self, scope: &E::Scope<'_>) {
        let disown = self.count().operations.disown;
        // SAFETY: a task's own operation
        unsafe { disown(self.into_head(), scope) };
    }
}

impl<E: Executor> Clone for TaskRef<E> {
    #[inline]
    fn clone(&self) -> Self {
        // `Relaxed`: who makes a reference has one, by which it was given what it sees of the task.
        if self.count().references.fetch_add(1, Ordering::Relaxed) > MOST {
            std::process::abort();
        }
        TaskRef(self.0)
    }
}

impl<E: Executor> Drop for TaskRef<E> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_alone() {
            if self.count().references.fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
            fence(Ordering::Acquire);
        }
        let free = self.count().operations.free;
        // SAFETY: a task's own operation; this was the last reference, and what the others did is seen
        unsafe { free(self.0) };
    }
}
