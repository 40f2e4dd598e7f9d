//! An OCaml stream as Rust reads it: the record of `source.ml`, made here.

use ocaml::sys;

use super::alloc::Block;
use super::lock::Access;
use super::value::{Raw, UNIT, bool, field, int, int_val, is_immediate};

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
    /// An exception, not rooted.
    Exception(Raw),
}

/// Of a stream. Allocates on the OCaml heap; runs no OCaml code.
pub(crate) fn make(access: Access<'_>, stream: &ocaml::Value) -> ocaml::Value {
    let nothing = [UNIT, bool(false), NO_ITEMS, int(0), NO_ITEMS, MORE, int(0)];
    let mut source = Block::alloc(access, 1 + nothing.len(), 0);
    source.push(access, stream);
    for field in nothing {
        source.push(access, &ocaml::Value::Raw(field.0));
    }
    source.end()
}

/// The read that was begun, not rooted.
///
/// # Safety
/// `source` is a live source. No allocation.
pub(crate) unsafe fn begun(source: Raw) -> Option<Raw> {
    // SAFETY: fields of the record
    unsafe {
        let is_begun = int_val(field(source, field_of::IS_BEGUN)) != 0;
        is_begun.then(|| field(source, field_of::GET))
    }
}

/// Whether there is nothing for Rust, and more may come.
///
/// # Safety
/// As for [`begun`].
pub(crate) unsafe fn is_empty(source: Raw) -> bool {
    // SAFETY: fields of the record
    unsafe {
        is_immediate(field(source, field_of::READY)) && field(source, field_of::AFTER).0 == MORE.0
    }
}

/// The items, a list that is not rooted, which the source has no more.
///
/// # Safety
/// As for [`begun`].
pub(crate) unsafe fn take_items(source: Raw) -> Raw {
    // SAFETY: a field of the record (`caml_modify`)
    unsafe {
        let items = field(source, field_of::READY);
        sys::store_field(source.0, field_of::READY, NO_ITEMS.0);
        items
    }
}

/// # Safety
/// As for [`begun`].
pub(crate) unsafe fn after(source: Raw) -> After {
    // SAFETY: a field of the record
    match unsafe { field(source, field_of::AFTER) } {
        after if after.0 == MORE.0 => After::More,
        after if is_immediate(after) => After::End,
        exception => After::Exception(exception),
    }
}
