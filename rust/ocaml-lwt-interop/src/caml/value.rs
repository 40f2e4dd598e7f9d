//! OCaml values: what they are made of, and what is made of them.

pub use ocaml::Raw;
use ocaml::sys;

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
/// The runtime lock is held; `v` is a live OCaml value. Does not allocate on the OCaml heap, runs no OCaml code, and
/// does not raise (`boxroot_create`: allocates with `malloc`, panics when that fails).
#[inline]
pub(crate) unsafe fn protect(v: Raw) -> ocaml::Value {
    if is_immediate(v) {
        ocaml::Value::Raw(v.0)
    } else {
        // SAFETY: lock and liveness are the caller's
        ocaml::Value::Root(unsafe { ocaml::root::Root::new(v.0) })
    }
}

/// The field `i` of a block.
///
/// # Safety
/// `block` is a live OCaml block with more than `i` fields, not a float array; the runtime lock is held. No allocation.
#[inline]
pub(crate) unsafe fn field(block: Raw, i: usize) -> Raw {
    // SAFETY: a field of a live block, by the caller's word
    Raw(unsafe { *sys::field(block.0, i) })
}

/// Writes the field `i` of a block that OCaml code can see.
///
/// # Safety
/// As for [`field`]; `v` is live. No allocation on the OCaml heap, runs no OCaml code (`caml_modify`).
pub(crate) unsafe fn set_field(block: Raw, i: usize, v: Raw) {
    // SAFETY: as the caller's
    unsafe { sys::store_field(block.0, i, v.0) }
}

/// The tag of a block.
///
/// # Safety
/// `block` is a live OCaml block; the runtime lock is held. No allocation.
#[inline]
pub(crate) unsafe fn tag(block: Raw) -> u8 {
    // SAFETY: by the caller's word
    unsafe { sys::tag_val(block.0) }
}

/// Whether it is a function: a closure, or one of several that are defined together.
///
/// # Safety
/// `v` is a live OCaml value; the runtime lock is held. No allocation.
pub(crate) unsafe fn is_closure(v: Raw) -> bool {
    // `Closure_tag`, `Infix_tag` (`mlvalues.h`)
    const TAGS: [u8; 2] = [247, 249];
    // SAFETY: by the caller's word
    unsafe { !is_immediate(v) && TAGS.contains(&tag(v)) }
}

/// The bytes of an OCaml string, copied.
///
/// # Safety
/// `v` is a live OCaml string or bytes; the runtime lock is held. No allocation on the OCaml heap.
pub(crate) unsafe fn string_bytes(v: Raw) -> Vec<u8> {
    // SAFETY: `caml_string_length` bytes stand at `String_val(v)`; they are copied before anything can move them
    unsafe {
        std::slice::from_raw_parts(sys::string_val(v.0), sys::caml_string_length(v.0)).to_vec()
    }
}

/// An OCaml string, not rooted.
///
/// # Safety
/// The runtime lock is held. Allocates on the OCaml heap; runs no OCaml code (`caml_alloc_initialized_string`).
pub(crate) unsafe fn alloc_string(bytes: &[u8]) -> Raw {
    // SAFETY: as the caller's; so many bytes stand there
    Raw(unsafe { sys::caml_alloc_initialized_string(bytes.len(), bytes.as_ptr().cast()) })
}

/// A rooted OCaml string.
///
/// # Safety
/// The runtime lock is held. Allocates on the OCaml heap; runs no OCaml code (`caml_alloc_initialized_string`).
pub(crate) unsafe fn string(bytes: &[u8]) -> ocaml::Value {
    // SAFETY: as the caller's
    unsafe { ocaml::Value::bytes(bytes) }
}

/// A block of tag 0 with so many fields, 1 to 256, not rooted.
///
/// # Safety
/// The runtime lock is held; `field` gives live values after an allocation, and allocates nothing. Allocates on the OCaml
/// heap; runs no OCaml code (`caml_alloc_small`).
pub(crate) unsafe fn block(size: usize, field: impl Fn(usize) -> Raw) -> Raw {
    // SAFETY: the lock is the caller's. The block is small, so new and in the minor heap, where fields are initialised by
    // plain stores before anything else can allocate.
    unsafe {
        let block = sys::caml_alloc_small(size, 0);
        for i in 0..size {
            *sys::field(block, i) = field(i).0;
        }
        Raw(block)
    }
}

/// The empty list.
pub(crate) const EMPTY_LIST: ocaml::Value = ocaml::Value::Raw(sys::EMPTY_LIST);

/// Puts a value in front of a list, whose root goes on to the new cell.
///
/// # Safety
/// The runtime lock is held; `list` is a list, and rooted like `head` unless it is empty. Allocates on the OCaml heap;
/// runs no OCaml code (`caml_alloc_small`).
pub(crate) unsafe fn cons(head: &ocaml::Value, list: &mut ocaml::Value) {
    // SAFETY: the lock is the caller's; head and tail are rooted across the allocation, and read after it. The cell is
    // small, so new and in the minor heap, where fields are initialised by plain stores before anything else can allocate.
    unsafe {
        let cell = sys::caml_alloc_small(2, 0);
        *sys::field(cell, 0) = head.raw().0;
        *sys::field(cell, 1) = list.raw().0;
        replace(list, Raw(cell));
    }
}

/// Makes the root of a value, if it has one, that of another.
///
/// # Safety
/// The runtime lock is held; both are live, the old one rooted by itself unless it is immediate. No allocation on the
/// OCaml heap.
pub(crate) unsafe fn replace(value: &mut ocaml::Value, new: Raw) {
    match value {
        // SAFETY: as the caller's
        ocaml::Value::Root(root) => unsafe { root.modify(new.0) },
        // SAFETY: as the caller's
        ocaml::Value::Raw(_) => *value = unsafe { protect(new) },
    }
}

/// How many elements a list has.
///
/// # Safety
/// The runtime lock is held; `list` is a live list. No allocation on the OCaml heap.
pub(crate) unsafe fn list_length(mut list: Raw) -> usize {
    let mut length = 0;
    while !is_immediate(list) {
        length += 1;
        // SAFETY: the block of a list has two fields, and is live by the caller's word
        list = unsafe { field(list, 1) };
    }
    length
}

/// Makes a rooted value the tail of the list that it is, and gives its head, rooted; `None` when it is empty.
///
/// # Safety
/// The runtime lock is held; `list` is a list, and a root of its own unless it is empty. No allocation on the OCaml heap.
pub(crate) unsafe fn uncons(list: &mut ocaml::Value) -> Option<ocaml::Value> {
    let ocaml::Value::Root(root) = list else {
        return None;
    };
    // SAFETY: a root holds a block, and the block of a list has two fields; nothing allocates in between
    unsafe {
        let cell = Raw(root.get());
        let head = protect(field(cell, 0));
        match field(cell, 1) {
            tail if is_immediate(tail) => *list = EMPTY_LIST,
            tail => root.modify(tail.0),
        }
        Some(head)
    }
}

/// A rooted OCaml list of strings.
///
/// # Safety
/// The runtime lock is held. Allocates on the OCaml heap; runs no OCaml code.
pub(crate) unsafe fn string_list(items: &[String]) -> ocaml::Value {
    let mut list = EMPTY_LIST;
    for item in items.iter().rev() {
        // SAFETY: the lock is the caller's; both are rooted
        unsafe { cons(&string(item.as_bytes()), &mut list) };
    }
    list
}
