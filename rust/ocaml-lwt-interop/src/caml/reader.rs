//! OCaml's reader of a Rust stream, a record of `rust_async.ml`, as Rust writes into it.
//!
//! What crosses is stored with plain stores, one after the other: no signal handler, no finaliser and no collection can
//! come between, so that OCaml has all of it or none.

use ocaml::sys;

use super::value::{Raw, field, int};

/// The fields of the record `reader`, those that Rust knows, in its order.
#[repr(usize)]
enum Field {
    /// What owns the stream, see `rust_to_lwt/stream_token.rs`.
    Token = 0,
    /// A block of items
    Items = 1,
    /// How many of them were read
    Taken = 2,
    /// What comes behind them: an [`ending`](put_ending)
    Ending = 3,
}

/// What owns the stream of a reader, not rooted.
///
/// # Safety
/// `reader` is a live reader. No allocation, runs no OCaml code.
pub(crate) unsafe fn token_of(reader: Raw) -> Raw {
    // SAFETY: as the caller's
    unsafe { field(reader, Field::Token as usize) }
}

/// Gives the reader, which has read all that it had, the items of a block.
///
/// # Safety
/// `reader` is a live reader, `items` a live block. No allocation, runs no OCaml code.
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
