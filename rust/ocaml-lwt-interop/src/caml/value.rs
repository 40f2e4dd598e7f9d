//! OCaml values: what they are made of, and what is made of them.
//!
//! 1. A [`Raw`] is a number to the compiler. It is *live* while this thread has access to OCaml, and nothing can have moved
//!    or freed the value: until something allocates, or OCaml code runs. The caller of a function that reads one promises
//!    that it is live, with `unsafe`.
//! 2. An [`ocaml::Value`] is rooted, or an immediate, so it is live wherever there is access. Nothing here makes another.

pub use ocaml::Raw;
use ocaml::sys;

use super::lock::Access;

// `mlvalues.h`
pub(crate) const STRING_TAG: u8 = 252;
pub(crate) const DOUBLE_TAG: u8 = 253;
pub(crate) const DOUBLE_ARRAY_TAG: u8 = 254;
pub(crate) const CUSTOM_TAG: u8 = 255;
/// From here on there are no values in a block.
pub(crate) const NO_SCAN_TAG: u8 = 251;

/// OCaml's `()`.
pub(crate) const UNIT: Raw = Raw(sys::UNIT);

/// OCaml's `true` and `false`.
pub(crate) fn bool(b: bool) -> Raw {
    int(isize::from(b))
}

/// An OCaml `int`, which has 63 bits: the highest of `n` is lost.
pub(crate) fn int(n: isize) -> Raw {
    Raw((n << 1) | 1)
}

/// The number in an OCaml `int`.
pub(crate) fn int_val(v: Raw) -> isize {
    v.0 >> 1
}

pub(crate) fn is_immediate(v: Raw) -> bool {
    v.0 & 1 == 1
}

/// Roots `v`, unless it is an immediate, which the GC does not look at.
///
/// # Safety
/// `v` is live. Does not allocate on the OCaml heap, runs no OCaml code, and does not raise (`boxroot_create`: allocates with
/// `malloc`, panics when that fails).
#[inline]
pub(crate) unsafe fn protect(_access: Access<'_>, v: Raw) -> ocaml::Value {
    if is_immediate(v) {
        ocaml::Value::Raw(v.0)
    } else {
        // SAFETY: the lock is held; live by the caller's word
        ocaml::Value::Root(unsafe { ocaml::root::Root::new(v.0) })
    }
}

/// The field `i` of a block.
///
/// # Safety
/// `block` is a live block with more than `i` fields, not a float array. No allocation.
#[inline]
pub(crate) unsafe fn field(block: Raw, i: usize) -> Raw {
    // SAFETY: a field of a live block, by the caller's word
    Raw(unsafe { *sys::field(block.0, i) })
}

/// The tag of a block.
///
/// # Safety
/// `block` is a live block. No allocation.
#[inline]
pub(crate) unsafe fn tag(block: Raw) -> u8 {
    // SAFETY: by the caller's word
    unsafe { sys::tag_val(block.0) }
}

/// The bytes of an OCaml string, copied.
///
/// # Safety
/// `v` is a live OCaml string or bytes. No allocation on the OCaml heap.
pub(crate) unsafe fn string_bytes(v: Raw) -> Vec<u8> {
    // SAFETY: `caml_string_length` bytes stand at `String_val(v)`; they are copied before anything can move them
    unsafe {
        std::slice::from_raw_parts(sys::string_val(v.0), sys::caml_string_length(v.0)).to_vec()
    }
}

/// An OCaml string, not rooted. Allocates on the OCaml heap; runs no OCaml code (`caml_alloc_initialized_string`).
pub(crate) fn alloc_string(_access: Access<'_>, bytes: &[u8]) -> Raw {
    // SAFETY: the lock is held; so many bytes stand there
    Raw(unsafe { sys::caml_alloc_initialized_string(bytes.len(), bytes.as_ptr().cast()) })
}

/// A rooted OCaml string. Allocates on the OCaml heap; runs no OCaml code (`caml_alloc_initialized_string`).
pub(crate) fn string(_access: Access<'_>, bytes: &[u8]) -> ocaml::Value {
    // SAFETY: the lock is held
    unsafe { ocaml::Value::bytes(bytes) }
}

/// The empty list.
pub(crate) const EMPTY_LIST: ocaml::Value = ocaml::Value::Raw(sys::EMPTY_LIST);

/// Puts a value in front of a list, whose root goes on to the new cell. Allocates on the OCaml heap; runs no OCaml code
/// (`caml_alloc_small`).
pub(crate) fn cons(access: Access<'_>, head: &ocaml::Value, list: &mut ocaml::Value) {
    // SAFETY: the lock is held; head and tail are rooted across the allocation, and read after it. The cell is
    // small, so new and in the minor heap, where fields are initialised by plain stores before anything else can allocate.
    unsafe {
        let cell = sys::caml_alloc_small(2, 0);
        *sys::field(cell, 0) = head.raw().0;
        *sys::field(cell, 1) = list.raw().0;
        replace(access, list, Raw(cell));
    }
}

/// Makes the root of a value, if it has one, that of another.
///
/// # Safety
/// `new` is live. No allocation on the OCaml heap.
pub(crate) unsafe fn replace(access: Access<'_>, value: &mut ocaml::Value, new: Raw) {
    // SAFETY: the lock is held; live by the caller's word
    unsafe {
        match value {
            ocaml::Value::Root(root) => root.modify(new.0),
            ocaml::Value::Raw(_) => *value = protect(access, new),
        }
    }
}

/// How many elements a list has.
///
/// # Safety
/// `list` is a live list. No allocation on the OCaml heap.
pub(crate) unsafe fn list_length(mut list: Raw) -> usize {
    let mut length = 0;
    while !is_immediate(list) {
        length += 1;
        // SAFETY: the block of a list has two fields, and is live by the caller's word
        list = unsafe { field(list, 1) };
    }
    length
}

/// A rooted OCaml list of strings. Allocates on the OCaml heap; runs no OCaml code.
pub(crate) fn string_list(access: Access<'_>, items: &[String]) -> ocaml::Value {
    let mut list = EMPTY_LIST;
    for item in items.iter().rev() {
        cons(access, &string(access, item.as_bytes()), &mut list);
    }
    list
}
