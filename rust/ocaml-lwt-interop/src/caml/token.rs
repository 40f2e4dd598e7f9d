//! A custom block that owns the receiving end of an awaited promise.
//!
//! The callbacks on the promise hold the token, and nothing else does: when the GC collects the promise unresolved, the
//! token goes with it, its finaliser runs, and the Rust future ends with an error instead of waiting for ever.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

use ocaml::sys;

use super::Raw;
use super::lock::finalising;
use crate::home::AtHome;
use crate::lwt_to_rust::Sink;
use crate::status::{Status, status};

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

static OPERATIONS: Operations = Operations(sys::custom_operations {
    identifier: c"ocaml_lwt_interop.token".as_ptr().cast(),
    finalize: Some(finalize),
    compare: None,
    hash: None,
    serialize: None,
    deserialize: None,
    compare_ext: None,
    fixed_length: std::ptr::null(),
});

/// `custom_operations` holds pointers, so it is not `Sync` by itself.
struct Operations(sys::custom_operations);
// SAFETY: constant; the runtime reads it only
unsafe impl Sync for Operations {}

/// # Safety
/// The runtime lock is held. Allocates on the OCaml heap (`caml_alloc_custom`), runs no OCaml code; the result is not
/// rooted.
pub(crate) unsafe fn alloc_token(sink: Arc<dyn Sink>, direct: bool) -> Raw {
    // SAFETY: lock by the caller's word; the operations are static; the payload is written before anything can
    // allocate, so the finaliser never sees a block without one. Custom data is aligned to a word, like the payload.
    unsafe {
        let block = sys::caml_alloc_custom(&raw const OPERATIONS.0, size_of::<Payload>(), 0, 1);
        payload(block).write(Payload {
            sink: Some(sink),
            direct,
        });
        if direct {
            DIRECT.set(DIRECT.get() + 1);
        }
        Raw(block)
    }
}

/// Takes the sink out of a token, the first time: the promise is settled.
///
/// # Safety
/// The runtime lock is held on the domain thread; `token` comes from [`alloc_token`]. No allocation, runs no OCaml code.
pub(crate) unsafe fn take_token(token: Raw) -> Option<Arc<dyn Sink>> {
    // SAFETY: the block holds an initialised payload, and the lock makes this the only access
    let payload = unsafe { &mut *payload(token.0) };
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
    unsafe { (*payload(token.0)).sink.take() }
}

fn payload(block: sys::Value) -> *mut Payload {
    // The data of a custom block begins after the pointer to its operations (`mlvalues.h`: Data_custom_val).
    (block as *mut sys::Value).wrapping_add(1).cast()
}

/// Called by the GC, on whichever thread collects: must not touch the OCaml heap (`custom.h`), and does not: dropping a
/// sink or telling it that it was abandoned only queues and signals.
unsafe extern "C" fn finalize(block: sys::Value) {
    // SAFETY: a block of ours, dead for everybody else; nothing in it needs to be dropped afterwards
    let Payload { sink, direct } = unsafe { payload(block).read() };
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
        let abandoned = std::panic::AssertUnwindSafe(|| sink.abandon());
        // A waker of the user's that panics must not unwind into the GC; there is nobody here to tell.
        drop(finalising(|| std::panic::catch_unwind(abandoned)));
    }
}
