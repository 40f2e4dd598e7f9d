//! A custom block that owns the receiving end of an awaited promise.
//!
//! Only the callbacks on the promise hold the token. When the GC collects a promise that was not resolved, it collects the
//! token as well. The finaliser of the token runs, and the Rust future ends with an error, instead of waiting for ever.

use std::cell::Cell;
use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

use crate::caml::lock::Access;
use crate::caml::owned_block::{self, Owned, owned_by};
use crate::caml::{Live, Typed, types};
use crate::home::{AtHome, Scope};
use crate::status::{Status, status};

/// What a promise was fulfilled with, or rejected.
pub(crate) type PromiseEnding = Result<ocaml::Value, Typed<types::Exception>>;

/// The receiving end of a subscription, as OCaml's callbacks and the GC see it.
pub(crate) trait Sink: Send + Sync {
    /// The promise was fulfilled (`Ok`) or rejected (`Err`).
    fn settle(&self, scope: &Scope, result: PromiseEnding);
    /// The GC collected the promise. Called from a finaliser, on any thread: touches nothing of OCaml's.
    fn abandon(&self);
}

/// What a token holds.
struct Payload {
    /// Until the promise is settled, or the wait given up.
    sink: Cell<Option<Arc<dyn Sink>>>,
    /// Whether the callbacks are on the promise itself and have not been called: such waits are counted.
    direct: Cell<bool>,
}

/// How many tokens of direct waits went with their promise, unsettled, on threads that are not a domain thread.
static COLLECTED_ELSEWHERE: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    /// How many direct waits were begun on this domain thread, less those that ended on it.
    static DIRECT: Cell<isize> = const { Cell::new(0) };
}

/// How many waits have their callbacks on a promise that is pending; on the domain thread.
pub(crate) fn direct_waits() -> isize {
    DIRECT.get() - COLLECTED_ELSEWHERE.load(Ordering::Relaxed)
}

/// Allocates on the OCaml heap, runs no OCaml code.
pub(crate) fn alloc_token(
    access: Access<'_>,
    sink: Arc<dyn Sink>,
    direct: bool,
) -> Typed<types::Token> {
    let payload = Payload {
        sink: Cell::new(Some(sink)),
        direct: Cell::new(direct),
    };
    let token = owned_block::alloc(access, payload, 0);
    if direct {
        DIRECT.set(DIRECT.get() + 1);
    }
    // SAFETY: it is one
    unsafe { Typed::new(token) }
}

/// Takes the sink out of a token, the first time: the promise is settled. On the domain thread. No allocation, runs no OCaml code.
pub(crate) fn take_token(token: Live<'_>) -> Option<Arc<dyn Sink>> {
    let payload = owned_by::<Payload>(token)?;
    if payload.direct.take() {
        DIRECT.set(DIRECT.get() - 1);
    }
    payload.sink.take()
}

/// Takes the sink out of a token whose callbacks stay on a pending promise. As [`take_token`].
pub(crate) fn empty_token(token: Live<'_>) -> Option<Arc<dyn Sink>> {
    owned_by::<Payload>(token)?.sink.take()
}

impl Owned for Payload {
    const NAME: &'static CStr = c"ocaml_lwt_interop.token";

    /// Dropping a sink or telling it that it was abandoned only queues and signals; a waker of the user's may panic.
    fn collected(self) {
        let Payload { sink, direct } = self;
        if direct.get() {
            if AtHome::here().is_some_and(|at| at.home().is_lwt()) {
                DIRECT.set(DIRECT.get() - 1);
            } else {
                COLLECTED_ELSEWHERE.fetch_add(1, Ordering::Relaxed);
            }
        }
        if let Some(sink) = sink.take() {
            // The locks of a sink may be held by threads that the child of a `fork` does not have.
            if status() == Status::Forked {
                return std::mem::forget(sink);
            }
            sink.abandon();
        }
    }
}
