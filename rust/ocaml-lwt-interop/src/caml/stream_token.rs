//! A custom block that owns a Rust stream which OCaml reads.
//!
//! The reader holds the token, and nothing else does; the function of the `Lwt_stream.t` holds the reader, and so does Rust
//! while a read is open. When the GC collects the reader, the token goes with it, its finaliser runs, and the Rust stream is
//! dropped at home.

use std::sync::Arc;

use ocaml::sys;

use super::Raw;
use super::lock::finalising;
use crate::home::Source;
use crate::status::{Status, status};

static OPERATIONS: Operations = Operations(sys::custom_operations {
    identifier: c"ocaml_lwt_interop.stream_token".as_ptr().cast(),
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
pub(crate) unsafe fn alloc_stream_token(source: Arc<dyn Source>) -> Raw {
    // SAFETY: lock by the caller's word; the operations are static; the payload is written before anything can
    // allocate, so the finaliser never sees a block without one. Custom data is aligned to a word, like the payload.
    unsafe {
        let size = size_of::<Arc<dyn Source>>();
        let block = sys::caml_alloc_custom(&raw const OPERATIONS.0, size, 0, 1);
        payload(block).write(source);
        Raw(block)
    }
}

/// The stream of a token.
///
/// # Safety
/// The runtime lock is held; `token` comes from [`alloc_stream_token`], and is live. No allocation, runs no OCaml code.
pub(super) unsafe fn stream_source(token: Raw) -> Arc<dyn Source> {
    // SAFETY: the block holds an initialised payload, which nobody changes before the finaliser
    unsafe { (*payload(token.0)).clone() }
}

fn payload(block: sys::Value) -> *mut Arc<dyn Source> {
    // The data of a custom block begins after the pointer to its operations (`mlvalues.h`: Data_custom_val).
    (block as *mut sys::Value).wrapping_add(1).cast()
}

/// Called by the GC, on whichever thread collects: must not touch the OCaml heap (`custom.h`), and does not: abandoning a
/// stream only queues and signals.
unsafe extern "C" fn finalize(block: sys::Value) {
    // SAFETY: a block of ours, dead for everybody else; nothing in it needs to be dropped afterwards
    let source = unsafe { payload(block).read() };
    // The locks of the queue may be held by threads that the child of a `fork` does not have.
    if status() == Status::Forked {
        return std::mem::forget(source);
    }
    let abandoned = std::panic::AssertUnwindSafe(|| source.abandon());
    // Nothing of the user's is dropped here, and nothing panics; but nothing may unwind into the GC either.
    drop(finalising(|| std::panic::catch_unwind(abandoned)));
}
