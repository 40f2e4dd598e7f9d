//! OCaml's reader of a Rust stream, the record of `reader.ml`, as Rust writes into it.
//!
//! Items are written with plain stores, one after the other. No signal handler, no finaliser and no collection can come
//! between them. So OCaml has all of the items or none.

use ocaml::sys;

use super::alloc::Block;
use super::lock::Access;
use super::root::Root;
use super::typed::Argument;
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
    /// What comes after them: an [`ending`](Reader::put_ending)
    Ending = 3,
}

/// What comes after the last item, `ending` in `reader.ml`: `End` is its second constructor without arguments, `Failed
/// of exn * backtrace` the only one with arguments.
pub(crate) const END: Raw = Raw((1 << 1) | 1);

/// A reader, kept alive. Dropped in a scope, or its root lives on until the next one.
pub(crate) struct Reader(Root);

// SAFETY: it is one, and rooted
unsafe impl Argument<Reader> for Reader {
    fn raw(&self, access: Access<'_>) -> Raw {
        self.get(access)
    }
}

impl Reader {
    /// # Safety
    /// `reader` is a live reader. No allocation on the OCaml heap, runs no OCaml code.
    pub(crate) unsafe fn new(access: Access<'_>, reader: Raw) -> Reader {
        // SAFETY: live by the caller's word
        Reader(unsafe { Root::new(access, reader) })
    }

    /// For OCaml; not rooted by itself.
    pub(crate) fn get(&self, access: Access<'_>) -> Raw {
        self.0.get(access)
    }

    /// What owns the stream of a reader, not rooted.
    ///
    /// # Safety
    /// `reader` is a live reader. No allocation, runs no OCaml code.
    pub(crate) unsafe fn token_of(reader: Raw) -> Raw {
        // SAFETY: a field of the record
        unsafe { field(reader, Field::Token as usize) }
    }

    /// Gives the reader, which has read all that it had, the items of a block. No allocation on the OCaml heap.
    pub(crate) fn put_items(&self, access: Access<'_>, items: Block) {
        let (reader, items) = (self.get(access), items.end());
        // SAFETY: fields of the record (`caml_modify`, which allocates outside of the heap at most)
        unsafe {
            sys::store_field(reader.0, Field::Items as usize, items.raw().0);
            sys::store_field(reader.0, Field::Taken as usize, int(0).0);
        }
    }

    /// Gives the reader its ending. No allocation on the OCaml heap.
    ///
    /// # Safety
    /// It is an `ending`.
    pub(crate) unsafe fn put_ending(&self, access: Access<'_>, ending: &ocaml::Value) {
        // SAFETY: a field of the record, and of its type by the caller's word
        unsafe { sys::store_field(self.get(access).0, Field::Ending as usize, ending.raw().0) };
    }
}
