//! What stands between a pending promise and the slot of a Rust future.
//!
//! 1. OCaml's callbacks on the promise own a token, and the token owns the [`Sink`]. Rust owns no root of the promise while
//!    it waits. Otherwise a promise that nobody can resolve could not be collected, and its future would wait for ever.
//! 2. Rust finds the promise again, to cancel it, through a weak table in OCaml, by an index that is in use from
//!    `subscribe` until the promise is settled, collected, or released.
//! 3. Dropping the future never calls OCaml, since it may happen on any thread and inside a finaliser. It queues a
//!    [`release`].

use std::sync::Arc;
use std::task::Waker;

use super::answer::Asks;
use super::awaited::{Awaited, Begun, value_of_function};
use super::blocking_threads;
use super::slot::{Slot, Subscribe, Woken};
use super::token::{PromiseEnding, Sink, alloc_token, direct_waits};
use crate::caml::{Callbacks, PromiseState, Root, Typed, types};
use crate::conversion::FromOCaml;
use crate::error::Error;
use crate::home::{AtHome, Home, Runnable, Scope};
use crate::received::convert;

/// A slot that a promise will settle.
pub(crate) struct Subscription<T> {
    pub(crate) slot: Slot<Result<T, Error>>,
    home: &'static Home,
}

/// How many waits may have their callbacks on the promise itself at a time. Callbacks cannot be taken off a promise, only
/// off what `Lwt.protected` gives, which costs a wait 90 ns of 260. A wait that is given up usually cancels its promise,
/// and the callbacks go with that; if it does not, they stay until the promise is settled or collected, 27 words each, and
/// count until then. `Lwt.protected`'s own cleaning visits them, so there are not to be many.
const MOST_DIRECT_WAITS: isize = 1000;

/// What a dropped future leaves to be done at home: cancels the promise, or not, and detaches the callbacks. Runs OCaml code.
/// The index, and in the lowest bit whether to cancel.
fn release(scope: &Scope, what: usize) {
    let (index, cancel) = (what >> 1, what & 1 == 1);
    let home = scope.home();
    // When it never returns, nothing more can be done.
    let _ = home.ask(scope, &Callbacks::RELEASE, &(&(index as isize), &cancel));
    forget_index(scope.at(), index);
}

fn queue_release(home: &'static Home, index: usize, cancel: bool) {
    home.queue_anywhere(Runnable::Release(release, index << 1 | usize::from(cancel)));
}

/// `Lwt.cancel`. Runs OCaml code. On a worker domain it does nothing: no promise of such a domain's is pending.
pub(crate) fn cancel(scope: &Scope, promise: &Typed<types::Promise>) {
    if !scope.home().is_lwt() {
        return;
    }
    // Cancelled again, it stays as it is. When that never returns, nothing more can be done.
    let _ = scope.home().ask(scope, &Callbacks::CANCEL, &(promise,));
}

fn take_index(at: AtHome) -> usize {
    at.home().local(at).subscriptions.borrow_mut().insert(())
}

fn forget_index(at: AtHome, index: usize) {
    at.home().local(at).subscriptions.borrow_mut().remove(index);
}

/// The state of a promise now: its ending, or `None` while it is pending, which on a worker domain is an error. May run OCaml
/// code (printers), may collect.
pub(crate) fn state_of<T: FromOCaml>(
    scope: &Scope,
    promise: &Typed<types::Promise>,
) -> Option<Result<T, Error>> {
    Some(
        match scope.home().ask(scope, &Callbacks::STATE, &(promise,)) {
            Ok(PromiseState::Pending) if scope.home().is_lwt() => return None,
            Ok(PromiseState::Pending) => Err(Error::misuse(
                "a pending promise was awaited on a worker domain, where Lwt does not run and nothing resolves it: await it on \
             the thread that runs Lwt, or have a Rust function give what it gives",
            )),
            Ok(PromiseState::Fulfilled(value)) => ending(scope, Ok(value)),
            Ok(PromiseState::Rejected(exception)) => ending(scope, Err(exception)),
            Err(exception) => Err(Error::of_raised(scope, &exception)),
        },
    )
}

/// May run OCaml code (printers), may collect.
fn ending<T: FromOCaml>(scope: &Scope, result: PromiseEnding) -> Result<T, Error> {
    match result {
        Ok(value) => convert(value).map_err(|panic| {
            Error::invalid_argument(format!(
                "the value of an OCaml promise does not convert: {}",
                panic.message
            ))
        }),
        Err(exception) => Err(Error::of_raised(scope, &exception)),
    }
}

impl<T: FromOCaml + 'static> Subscription<T> {
    /// For a future on another thread, which sends it home.
    pub(crate) fn new(home: &'static Home) -> Arc<Self> {
        Arc::new(Subscription {
            slot: Slot::new(),
            home,
        })
    }

    /// Settles the slot at once, or has somebody settle it: a promise that is pending, or a blocking thread. For a future that waits
    /// on another thread. `will_cancel`: what the future would do with the promise if it were dropped.
    pub(super) fn attach(
        self: &Arc<Self>,
        scope: &Scope,
        begun: Result<Begun, Error>,
        will_cancel: bool,
    ) {
        let ended = match begun {
            Ok(Begun(Awaited::Promise(promise))) => match state_of(scope, &promise) {
                Some(ended) => ended,
                None => return self.subscribe(scope, &promise, will_cancel),
            },
            Ok(Begun(Awaited::Value(value))) => value_of_function(value),
            Ok(Begun(Awaited::BlockingCall(call))) => {
                return blocking_threads::submit(scope, call, self.clone());
            }
            Err(error) => Err(error),
        };
        self.put(scope.at(), ended);
    }

    /// For a future that is polled at home, whose promise was found pending. May collect; runs OCaml code, none of the
    /// user's.
    pub(crate) fn waiting(
        scope: &Scope,
        promise: &Typed<types::Promise>,
        will_cancel: bool,
        waker: &Waker,
    ) -> Arc<Self> {
        // Cloning may run code of the user's, which may panic.
        let waker = waker.clone();
        let index = take_index(scope.at());
        let subscription = Arc::new(Subscription {
            slot: Slot::waiting(waker, index),
            home: scope.home(),
        });
        subscription.attach_callbacks(scope, promise, will_cancel, index);
        subscription
    }

    /// Has a pending promise settle the slot. May collect; runs OCaml code, none of the user's unless it cancels.
    fn subscribe(
        self: &Arc<Self>,
        scope: &Scope,
        promise: &Typed<types::Promise>,
        will_cancel: bool,
    ) {
        let index = take_index(scope.at());
        match self.slot.subscribe(index) {
            Subscribe::Waiting => self.attach_callbacks(scope, promise, will_cancel, index),
            // The future has been dropped since it asked.
            Subscribe::Gone { cancel: wanted } => {
                forget_index(scope.at(), index);
                if wanted {
                    cancel(scope, promise);
                }
            }
        }
    }

    fn attach_callbacks(
        self: &Arc<Self>,
        scope: &Scope,
        promise: &Typed<types::Promise>,
        will_cancel: bool,
        index: usize,
    ) {
        let direct = will_cancel && direct_waits() < MOST_DIRECT_WAITS;
        // The token is rooted until OCaml has it, or its finaliser would break the promise between two calls; a second call
        // attaches the same token, which is used once.
        let token = alloc_token(scope.access(), self.clone(), direct);
        // A fourth argument would be another ten nanoseconds and seventeen words, in OCaml's `caml_callbackN`.
        let bits = isize::from(will_cancel) << 1 | isize::from(direct);
        let index_and_bits = (index as isize) << 2 | bits;
        let arguments = (promise, &token, &index_and_bits);
        let attached = scope.home().ask(scope, &Callbacks::SUBSCRIBE, &arguments);
        if let Err(exception) = attached {
            // There is no room on the stack, say.
            self.settle(scope, Err(exception));
        }
    }

    /// The executor has shut down before it looked at the promise. From any thread.
    pub(crate) fn break_promise(&self) {
        if let Ok(Woken {
            waker: Some(waker), ..
        }) = self.slot.settle(Err(Error::broken_promise()))
        {
            waker.wake();
        }
    }

    pub(super) fn put(&self, at: AtHome, result: Result<T, Error>) {
        // Nobody waits any more: the value goes, outside the slot's lock.
        let Ok(Woken { waker, index }) = self.slot.settle(result) else {
            return;
        };
        if let Some(index) = index {
            forget_index(at, index);
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The future is dropped, on any thread.
    pub(crate) fn close(&self, cancel: bool) {
        if let Some(index) = self.slot.close(cancel) {
            queue_release(self.home, index, cancel);
        }
    }
}

impl<T: FromOCaml + 'static> Sink for Subscription<T> {
    fn settle(&self, scope: &Scope, result: PromiseEnding) {
        // A value is converted though nobody waits: with a batch of a stream comes the next read, which its handle cancels.
        if result.is_err() && !self.slot.is_waiting() {
            return;
        }
        self.put(scope.at(), ending(scope, result));
    }

    fn abandon(&self) {
        let Ok(Woken { waker, index }) = self.slot.settle(Err(Error::broken_promise())) else {
            return;
        };
        if let Some(index) = index {
            queue_release(self.home, index, false);
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

// SAFETY: `T` is made by `settle`, on the domain thread, and taken by the future, which is `Send` only when `T` is: a
// future that is not stays on the domain thread. The GC, on another thread, only ever puts an error.
unsafe impl<T> Send for Subscription<T> {}
// SAFETY: as above
unsafe impl<T> Sync for Subscription<T> {}

impl<T: FromOCaml + 'static> Asks for Subscription<T> {
    fn is_waiting(&self) -> bool {
        self.slot.is_waiting()
    }

    fn put(&self, scope: &Scope, result: Result<Root, Error>) {
        if !self.slot.is_waiting() {
            return;
        }
        let ended = result.and_then(|root| {
            let value = root.value(scope.access());
            drop(root);
            value_of_function(value)
        });
        self.put(scope.at(), ended);
    }

    fn break_promise(&self) {
        self.break_promise();
    }
}
