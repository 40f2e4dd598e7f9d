//! A custom block that owns a Rust stream which OCaml reads.
//!
//! Only the reader holds the token. The function of the `Lwt_stream.t` holds the reader, and so does Rust while a read is
//! open. When the GC collects the reader, it collects the token as well. The finaliser of the token runs, and the Rust
//! stream is dropped at home.

use std::ffi::CStr;
use std::sync::Arc;

use crate::caml::lock::Access;
use crate::caml::owned_block::{self, Owned, owned_by};
use crate::caml::reader::Reader;
use crate::caml::{Live, Typed, types};
use crate::home::Source;
use crate::status::{Status, status};

struct Token(Arc<dyn Source>);

impl Owned for Token {
    const NAME: &'static CStr = c"ocaml_lwt_interop.stream_token";

    /// Only queues and signals: nothing of the user's is dropped here.
    fn collected(self) {
        // The locks of the queue may be held by threads that the child of a `fork` does not have.
        if status() == Status::Forked {
            return std::mem::forget(self);
        }
        self.0.abandon();
    }
}

/// Allocates on the OCaml heap, runs no OCaml code.
pub(crate) fn alloc_stream_token(
    access: Access<'_>,
    source: Arc<dyn Source>,
) -> Typed<types::StreamToken> {
    // SAFETY: it is one
    unsafe { Typed::new(owned_block::alloc(access, Token(source), 0)) }
}

/// The stream of a reader, if the value is one. No allocation, runs no OCaml code.
pub(crate) fn source_of(reader: Live<'_>) -> Option<Arc<dyn Source>> {
    let token = Reader::token_of(reader)?;
    owned_by::<Token>(token).map(|token| token.0.clone())
}
