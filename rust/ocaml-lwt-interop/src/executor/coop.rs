//! The budget that Tokio's futures have in one poll, so that one whose source is never empty gives way to others
//! (`tokio::task::coop`). Tokio's own threads give each poll one; at home we do, for each poll of a task.
//!
//! 1. Tokio sets a budget where it runs a task, and nowhere else that is public. But what `poll_proceed` gives remembers the
//!    budget before it, and puts that back when it is dropped: so one that remembers a full budget sets one, at the price
//!    of some thread-local accesses. (`Handle::block_on` would be five times as much, and would refuse code of OCaml's
//!    below a poll that runs a runtime of its own.) The first one of a thread comes from a Tokio task.
//! 2. Outside of polls there is none, and in OCaml code that a poll calls there is none: nobody would renew it there, and
//!    futures that other executors run would be pending for ever.
//! 3. Polls nest, when OCaml code that a poll calls makes a call: each has a budget of its own.

use std::cell::{Cell, OnceCell};
use std::future::{Future, poll_fn};
use std::mem::ManuallyDrop;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::task::LocalSet;
use tokio::task::coop::{RestoreOnPending, poll_proceed, unconstrained};

thread_local! {
    /// Remembers a full budget. Never dropped by the end of the thread: it would do nothing but cost a look at each access.
    static FULL: OnceCell<ManuallyDrop<Option<RestoreOnPending>>> = const { OnceCell::new() };
}

/// A copy of what remembers a full budget. `None`: Tokio does otherwise, and there are no budgets.
#[inline]
fn full() -> Option<RestoreOnPending> {
    // Nothing of this size refers to anything.
    const IS_A_NUMBER: bool = size_of::<RestoreOnPending>() <= size_of::<u16>();
    if !IS_A_NUMBER {
        return first();
    }
    FULL.with(|full| {
        let full: &Option<RestoreOnPending> = full.get_or_init(|| ManuallyDrop::new(first()));
        // SAFETY: a number and where to put it: dropped twice it is put there twice
        unsafe { std::ptr::read(full) }
    })
}

/// Runs `f`, a poll, with a full budget.
#[inline]
pub(super) fn with_budget<R>(
    context: &mut Context<'_>,
    f: impl FnOnce(&mut Context<'_>) -> R,
) -> R {
    let mut f = Some((full(), f));
    // The budget is put back as it was, which is none at all at home.
    let poll = unconstrained(poll_fn(move |context| {
        let (full, f) = f.take().expect("it is polled once");
        drop(full);
        Poll::Ready(f(context))
    }));
    match pin!(poll).poll(context) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("it is ready at once"),
    }
}

/// Runs `f`, OCaml code, without a budget.
#[inline]
pub(crate) fn without_budget<R>(f: impl FnOnce() -> R) -> R {
    let mut f = Some(f);
    let run = unconstrained(poll_fn(move |_| {
        Poll::Ready(f.take().expect("it is polled once")())
    }));
    match pin!(run).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("it is ready at once"),
    }
}

/// Rule 1. None: Tokio does otherwise, and there are no budgets.
#[cold]
fn first() -> Option<RestoreOnPending> {
    let full = Rc::new(Cell::new(None));
    let tasks = LocalSet::new();
    let remember = full.clone();
    tasks.spawn_local(poll_fn(move |context| {
        if let Poll::Ready(full) = poll_proceed(context) {
            remember.set(Some(full));
        }
        Poll::Ready(())
    }));
    let _ = pin!(tasks).poll(&mut Context::from_waker(Waker::noop()));
    full.take()
}
