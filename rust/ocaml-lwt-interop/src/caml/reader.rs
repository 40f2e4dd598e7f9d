//! OCaml's reader of a Rust stream, the record of `reader.ml`, as Rust writes into it.
//!
//! Items are written with plain stores, one after the other. No signal handler, no finaliser and no collection can come
//! between them. So OCaml has all of the items or none.

use ocaml::sys;

use super::alloc::Block;
use super::live::Live;
use super::lock::Access;
use super::root::Root;
use super::typed::{Argument, Typed, types};
use super::value::{Raw, int};

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
const END: Raw = Raw((1 << 1) | 1);

/// A reader, kept alive. Dropped in a scope, or its root lives on until the next one.
pub(crate) struct Reader(Root);

// SAFETY: it is one, and rooted
unsafe impl Argument<Reader> for Reader {
    fn raw(&self, access: Access<'_>) -> Raw {
        self.get(access)
    }
}

impl Reader {
    /// A reader, whose token was looked at. No allocation on the OCaml heap, runs no OCaml code.
    pub(crate) fn of(reader: Live<'_>) -> Reader {
        Reader(Root::of_live(reader))
    }

    /// For OCaml; not rooted by itself.
    pub(crate) fn get(&self, access: Access<'_>) -> Raw {
        self.0.get(access)
    }

    /// What owns the stream of a reader.
    pub(crate) fn token_of(reader: Live<'_>) -> Option<Live<'_>> {
        reader.field(Field::Token as usize)
    }

    /// Gives the reader, which has read all that it had, the items of a block. No allocation on the OCaml heap.
    pub(crate) fn put_items(&self, access: Access<'_>, items: Block) {
        self.put(access, Field::Items, &items.end());
        self.put(access, Field::Taken, &ocaml::Value::Raw(int(0).0));
    }

    /// Gives the reader its ending: an exception, or none. Allocates on the OCaml heap; runs no OCaml code.
    pub(crate) fn put_ending(
        &self,
        access: Access<'_>,
        failed: Option<(Typed<types::Exception>, Typed<types::Backtrace>)>,
    ) {
        let ending = match failed {
            None => ocaml::Value::Raw(END.0),
            Some((exception, backtrace)) => {
                let mut failed = Block::alloc(access, 2, 0);
                failed.push(access, exception.value());
                failed.push(access, backtrace.value());
                failed.end()
            }
        };
        self.put(access, Field::Ending, &ending);
    }

    /// The value is of the field's type.
    fn put(&self, access: Access<'_>, field: Field, value: &ocaml::Value) {
        // SAFETY: a field of the record, and live (`caml_modify`, which allocates outside of the heap at most)
        unsafe { sys::store_field(self.get(access).0, field as usize, value.raw().0) };
    }
}
