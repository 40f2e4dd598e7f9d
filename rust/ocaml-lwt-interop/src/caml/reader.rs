//! OCaml's reader of a Rust stream, a record of `rust_async.ml`, as Rust writes into it.
//!
//! What crosses is stored with plain stores, one after the other: no signal handler, no finaliser and no collection can
//! come between, so that OCaml has all of it or none.

use std::sync::Arc;

use ocaml::sys;

use super::stream_token::stream_source;
use super::{Raw, field, int};
use crate::home::Source;

/// The fields of the record `reader`, those that Rust knows, in its order.
#[repr(usize)]
enum Field {
    /// The [`stream_token`](super::stream_token)
    Token = 0,
    /// A block of items
    Items = 1,
    /// How many of them were read
    Taken = 2,
    /// What comes behind them: an [`ending`](put_ending)
    Ending = 3,
}

/// The stream of a reader.
///
/// # Safety
/// The runtime lock is held; `reader` is a live reader. No allocation, runs no OCaml code.
pub(crate) unsafe fn source_of(reader: Raw) -> Arc<dyn Source> {
    // SAFETY: as the caller's; the field holds a token of ours
    unsafe { stream_source(field(reader, Field::Token as usize)) }
}

/// Gives the reader, which has read all that it had, the items of a block.
///
/// # Safety
/// The runtime lock is held; `reader` is a live reader, `items` a live block. No allocation, runs no OCaml code.
pub(crate) unsafe fn put_items(reader: Raw, items: Raw) {
    // SAFETY: fields of the record (`caml_modify`, which allocates outside of the heap at most)
    unsafe {
        sys::store_field(reader.0, Field::Items as usize, items.0);
        sys::store_field(reader.0, Field::Taken as usize, int(0).0);
    }
}

/// What comes behind the last item, `ending` in `rust_async.ml`: `End` is its second constructor without arguments, `Failed
/// of exn * backtrace` the only one with arguments.
pub(crate) const END: Raw = Raw((1 << 1) | 1);

/// Gives the reader its ending.
///
/// # Safety
/// As for [`put_items`]; `ending` is live, and an `ending`.
pub(crate) unsafe fn put_ending(reader: Raw, ending: Raw) {
    // SAFETY: a field of the record
    unsafe { sys::store_field(reader.0, Field::Ending as usize, ending.0) };
}
