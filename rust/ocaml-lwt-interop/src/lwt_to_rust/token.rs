//! A custom block that owns the receiving end of an awaited promise.
//!
//! Only the callbacks on the promise hold the token. When the GC collects a promise that was not resolved, it collects the
//! token as well. The finaliser of the token runs, and the Rust future ends with an error, instead of waiting for ever.

use std::cell::Cell;
use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

use crate::caml::lock::Access;
use crate::caml::owned_block::{self, Owned};
use crate::caml::{Raw, Typed, types};
use crate::home::{AtHome, Scope};
use crate::status::{Status, status};

/// The receiving end of a subscription, as OCaml's callbacks and the GC see it.
pub(crate) trait Sink: Send + Sync {
    /// The promise was fulfilled (`Ok`) or rejected (`Err`).
    fn settle(&self, scope: &Scope, result: Result<ocaml::Value, ocaml::Value>);
    /// The GC collected the promise. Called from a finaliser, on any thread: touches nothing of OCaml's.
    fn abandon(&self);
}

/// What a token holds.
struct Payload {
    /// Until the promise is settled, or the wait given up.
    sink: Option<Arc<dyn Sink>>,
    /// Whether the callbacks are on the promise itself and have not been called: such waits are counted.
    direct: bool,
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
    let sink = Some(sink);
    let token = owned_block::alloc(access, Payload { sink, direct }, 0);
    if direct {
        DIRECT.set(DIRECT.get() + 1);
    }
    // SAFETY: it is one
    unsafe { Typed::new(token) }
}

/// Takes the sink out of a token, the first time: the promise is settled.
///
/// # Safety
/// On the domain thread; `token` comes from [`alloc_token`], and is live. No allocation, runs no OCaml code.
pub(crate) unsafe fn take_token(token: Raw) -> Option<Arc<dyn Sink>> {
    // SAFETY: the block holds an initialised payload, and the lock makes this the only access
    let payload = unsafe { &mut *owned_block::owned::<Payload>(token.0) };
    if std::mem::take(&mut payload.direct) {
        DIRECT.set(DIRECT.get() - 1);
    }
    payload.sink.take()
}

/// Takes the sink out of a token whose callbacks stay on a pending promise.
///
/// # Safety
/// As for [`take_token`].
pub(crate) unsafe fn empty_token(token: Raw) -> Option<Arc<dyn Sink>> {
    // SAFETY: as in `take_token`
    unsafe { (*owned_block::owned::<Payload>(token.0)).sink.take() }
}

impl Owned for Payload {
    const NAME: &'static CStr = c"ocaml_lwt_interop.token";

    /// Dropping a sink or telling it that it was abandoned only queues and signals; a waker of the user's may panic.
    fn collected(self) {
        let Payload { sink, direct } = self;
        if direct {
            if AtHome::here().is_some_and(|at| at.home().is_lwt()) {
                DIRECT.set(DIRECT.get() - 1);
            } else {
                COLLECTED_ELSEWHERE.fetch_add(1, Ordering::Relaxed);
            }
        }
        if let Some(sink) = sink {
            // The locks of a sink may be held by threads that the child of a `fork` does not have.
            if status() == Status::Forked {
                return std::mem::forget(sink);
            }
            sink.abandon();
        }
    }
}
