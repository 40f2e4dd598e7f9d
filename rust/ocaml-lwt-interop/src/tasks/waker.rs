//! A task's waker: a reference to it, whatever its future, so that a program has this code once.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::head::Woken;
use super::reference::{Keeper, TaskRef};

impl<E: Keeper> TaskRef<E> {
    fn queue(self, woken: Woken<E::At>) {
        let executor = self.head().executor;
        match woken {
            Woken::AtHome(at) => executor.wake(at, self),
            // After shutdown the task is done.
            Woken::Elsewhere => _ = executor.send(self),
            Woken::IsQueued => {}
        }
    }

    const WAKER: &'static RawWakerVTable = &RawWakerVTable::new(
        Self::clone_waker,
        Self::wake,
        Self::wake_by_ref,
        Self::drop_waker,
    );

    /// Its waker, which is dropped nowhere: the reference that it has is this one. A clone makes its own.
    #[inline]
    pub(crate) fn waker(&self) -> ManuallyDrop<Waker> {
        let waker = RawWaker::new(self.0.as_ptr().cast(), Self::WAKER);
        // SAFETY: the functions below are a waker's; it has a reference for as long as `self` is borrowed, or is forgotten
        ManuallyDrop::new(unsafe { Waker::from_raw(waker) })
    }

    /// What a waker has.
    ///
    /// # Safety
    /// The pointer is a waker's of this executor's tasks.
    #[inline]
    unsafe fn of_waker(task: *const ()) -> ManuallyDrop<Self> {
        // SAFETY: it was not null when it was made
        let head = unsafe { NonNull::new_unchecked(task.cast_mut()) };
        ManuallyDrop::new(TaskRef(head.cast()))
    }

    unsafe fn clone_waker(task: *const ()) -> RawWaker {
        // SAFETY: called with what a waker has
        let other = unsafe { Self::of_waker(task) };
        // Dropped nowhere: the new waker has it.
        let _: ManuallyDrop<Self> = other.clone();
        RawWaker::new(task, Self::WAKER)
    }

    unsafe fn wake(task: *const ()) {
        // SAFETY: as above; the waker's reference becomes ours
        let task = unsafe { Self::of_waker(task) };
        if E::is_child() {
            return;
        }
        let task = ManuallyDrop::into_inner(task);
        let woken = task.head().woken();
        task.queue(woken);
    }

    unsafe fn wake_by_ref(task: *const ()) {
        // SAFETY: as above; the waker keeps its reference
        let task = unsafe { Self::of_waker(task) };
        if E::is_child() {
            return;
        }
        match task.head().woken() {
            Woken::IsQueued => {}
            woken => TaskRef::clone(&task).queue(woken),
        }
    }

    unsafe fn drop_waker(task: *const ()) {
        // SAFETY: as above; the waker's reference goes, which may be the last
        drop(ManuallyDrop::into_inner(unsafe { Self::of_waker(task) }));
    }
}
