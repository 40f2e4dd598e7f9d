//! An OCaml stream as Rust reads it: the record of `source.ml`, made here.

use ocaml::sys;

use super::alloc::Block;
use super::live::Live;
use super::lock::Access;
use super::root::Root;
use super::typed::{Argument, Given, Typed, types};
use super::value::{Raw, UNIT, bool, int};

/// The fields that Rust looks at.
mod field_of {
    pub(super) const GET: usize = 1;
    pub(super) const IS_BEGUN: usize = 2;
    pub(super) const READY: usize = 5;
    pub(super) const AFTER: usize = 6;
}

const NO_ITEMS: Raw = Raw(sys::EMPTY_LIST);
/// `more`
const MORE: Raw = Raw(1);

/// What comes after the items.
pub(crate) enum After {
    More,
    End,
    Exception(Typed<types::Exception>),
}

/// A source, kept alive.
pub(crate) struct Source(Root);

// SAFETY: it is one, and rooted
unsafe impl Argument<Source> for Source {
    fn raw(&self, access: Access<'_>) -> Raw {
        self.get(access)
    }
}

impl Source {
    /// Of a stream. Allocates on the OCaml heap; runs no OCaml code.
    pub(crate) fn make(access: Access<'_>, stream: &ocaml::Value) -> Source {
        let nothing = [UNIT, bool(false), NO_ITEMS, int(0), NO_ITEMS, MORE, int(0)];
        let mut source = Block::alloc(access, 1 + nothing.len(), 0);
        source.push(access, stream);
        for field in nothing {
            source.push(access, &ocaml::Value::Raw(field.0));
        }
        Source(Root::of(access, &source.end()))
    }

    /// # Safety
    /// It is a source. No allocation on the OCaml heap.
    pub(crate) unsafe fn new(access: Access<'_>, source: &ocaml::Value) -> Source {
        Source(Root::of(access, source))
    }

    /// For OCaml; not rooted by itself.
    pub(crate) fn get(&self, access: Access<'_>) -> Raw {
        self.0.get(access)
    }

    /// A field of the record. No allocation.
    fn field<'a>(&'a self, access: Access<'a>, i: usize) -> Live<'a> {
        let field = self.0.live(access).field(i);
        field.expect("a record of so many fields")
    }

    /// The read that was begun. No allocation on the OCaml heap.
    pub(crate) fn begun(&self, access: Access<'_>) -> Option<Typed<types::Promise>> {
        let is_begun = self.field(access, field_of::IS_BEGUN).int() != Some(0);
        let promise = self.field(access, field_of::GET);
        // SAFETY: the field is a promise
        is_begun.then(|| unsafe { Typed::of(promise) })
    }

    /// Whether there is nothing for Rust, and more may come. No allocation.
    pub(crate) fn is_empty(&self, access: Access<'_>) -> bool {
        self.field(access, field_of::READY).is_immediate()
            && self.field(access, field_of::AFTER).raw() == MORE
    }

    /// The items, a list, which the source has no more. No allocation on the OCaml heap.
    pub(crate) fn take_items(&self, access: Access<'_>) -> ocaml::Value {
        let items = self.field(access, field_of::READY).rooted();
        // SAFETY: a field of the record, which is a list (`caml_modify`)
        unsafe { sys::store_field(self.get(access).0, field_of::READY, NO_ITEMS.0) };
        items
    }

    /// No allocation on the OCaml heap.
    pub(crate) fn after(&self, access: Access<'_>) -> After {
        match self.field(access, field_of::AFTER) {
            after if after.raw() == MORE => After::More,
            after if after.is_immediate() => After::End,
            // SAFETY: the only constructor with an argument is an exception by itself
            exception => After::Exception(unsafe { Typed::of(exception) }),
        }
    }
}
