//! The only place that imports `caml_*`. Thin, named after what the rest needs.
//!
//! Claims about the runtime cite its sources: OCaml 4.13 to 5.4, `runtime/callback.c`, `runtime/fail_*.c`,
//! `runtime/custom.c`, `runtime/signals.c`.

mod callbacks;
pub(crate) mod chunk;
mod dropped;
mod ending;
mod exception;
mod guest;
pub(crate) mod lock;
pub(crate) mod reader;
mod root;
pub(crate) mod source;
mod stream_token;
mod token;

pub(crate) use callbacks::{Callback, Callbacks, LwtsStorage};
pub(crate) use dropped::delete_dropped_roots;
pub(crate) use ending::has_fibers;
pub(crate) use exception::{
    constructor_number, exception_arguments, exception_constructor, is_exception_constructor,
    is_like, is_string,
};
pub(crate) use guest::{AtWork, Signals, guests_at_work};
pub(crate) use lock::without_lock;
pub use ocaml::Raw;
pub(crate) use root::{Root, count_roots_here, keeping, live_roots};
pub(crate) use stream_token::alloc_stream_token;
pub(crate) use token::{alloc_token, direct_waits, empty_token, take_token};

use ocaml::sys;

use crate::stack::{self, Overflow};

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

/// The result of running OCaml code: a value or the exception that ended it. Neither is rooted.
pub(crate) type CallResult = Result<Raw, Raw>;

fn call_result(v: sys::Value) -> CallResult {
    if sys::is_exception_result(v) {
        Err(Raw(sys::extract_exception(v)))
    } else {
        Ok(Raw(v))
    }
}

/// Applies an OCaml function to one to any number of arguments.
///
/// Any function value works: `caml_callback*_exn` apply through the closure's code pointer and `caml_curry*` handle
/// partial application; closures of a mutually recursive group have `Infix_tag`, which they do not look at.
///
/// # Safety
/// The runtime lock is held on a thread that may run OCaml code (not inside a finaliser of a custom block or a
/// `noalloc` stub); `f` is a live function, `arguments` are live and need no root of the caller's, since the runtime
/// takes them over before anything can allocate. Runs OCaml code; does not raise: the exception comes back.
pub(crate) unsafe fn call(f: Raw, arguments: &mut [Raw]) -> CallResult {
    // SAFETY: the caller's word
    unsafe { room_for_callback()? };
    // SAFETY: the caller's word; `Raw` is `repr(transparent)` over a value
    call_result(lock::running_ocaml(|| unsafe {
        match *arguments {
            [a] => sys::caml_callback_exn(f.0, a.0),
            [a, b] => sys::caml_callback2_exn(f.0, a.0, b.0),
            [a, b, c] => sys::caml_callback3_exn(f.0, a.0, b.0, c.0),
            _ => sys::caml_callbackN_exn(f.0, arguments.len(), arguments.as_mut_ptr().cast()),
        }
    }))
}

/// The cell of what OCaml registered under a name: the table roots it, and never frees it (`callback.c`).
#[derive(Clone, Copy)]
pub(crate) struct NamedValue(*const sys::Value);

impl NamedValue {
    /// The value now; a collection moves it.
    ///
    /// # Safety
    /// The runtime lock is held. No allocation; the result is not rooted by itself.
    #[inline]
    pub(crate) unsafe fn get(self) -> Raw {
        // SAFETY: a cell that is never freed
        Raw(unsafe { *self.0 })
    }
}

/// What OCaml registered under `name` with `Callback.register` or `Callback.register_exception`.
///
/// # Safety
/// The runtime lock is held. May collect: OCaml 5.4 and later let a collection happen while another domain holds the lock
/// of the table (`callback.c`, `caml_plat_lock_non_blocking`). Runs no OCaml code.
pub(crate) unsafe fn named_value(name: &std::ffi::CStr) -> Option<NamedValue> {
    // SAFETY: a C string; the table is protected by the runtime lock (OCaml 4) or its own mutex (OCaml 5)
    let value = unsafe { sys::caml_named_value(name.as_ptr().cast()) };
    (!value.is_null()).then_some(NamedValue(value.cast()))
}

/// Raises an OCaml exception.
///
/// # Safety
/// The runtime lock is held; `exception` is a live exception value; no frame between this one and the OCaml caller
/// holds anything with a destructor, since they are all skipped as by `longjmp`.
pub(crate) unsafe fn raise(exception: Raw) -> ! {
    // SAFETY: the caller's word
    unsafe { sys::caml_raise(exception.0) };
    unreachable!("caml_raise returned")
}

unsafe extern "C" {
    fn caml_process_pending_actions_exn() -> sys::Value;
    // `lock.c`
    fn ocaml_lwt_interop_room_for_callback() -> sys::Value;
    fn ocaml_lwt_interop_ocaml_stack_left(bytes: usize) -> bool;
    fn ocaml_lwt_interop_was_raised_last(exception: sys::Value) -> bool;
}

/// Whether this exception is the one that was raised last on this thread, whose backtrace the runtime keeps.
///
/// # Safety
/// The runtime lock is held; the exception is live. No allocation.
pub(crate) unsafe fn was_raised_last(exception: Raw) -> bool {
    // SAFETY: the caller's word
    unsafe { ocaml_lwt_interop_was_raised_last(exception.0) }
}

/// Whether enough is left of this thread's stack, and of the stack that OCaml 5 has of its own, for what OCaml calls or is to
/// call: see [`stack`](crate::stack).
///
/// # Safety
/// The runtime lock is held.
#[inline]
pub(crate) unsafe fn check_stacks() -> Result<(), Overflow> {
    stack::check()?;
    // SAFETY: the caller's word
    if unsafe { ocaml_lwt_interop_ocaml_stack_left(stack::OCAML_RESERVE) } {
        Ok(())
    } else {
        Err(Overflow)
    }
}

/// `Stack_overflow`, where OCaml's own stack has no room for a call: the runtime would raise it over the frames of its caller.
///
/// # Safety
/// The runtime lock is held. No allocation on the OCaml heap, though OCaml's stack may move.
#[inline]
unsafe fn room_for_callback() -> Result<(), Raw> {
    // SAFETY: the caller's word
    match unsafe { ocaml_lwt_interop_room_for_callback() } {
        0 => Ok(()),
        overflow => Err(Raw(overflow)),
    }
}

/// Runs what is pending: handlers of signals, finalisers, callbacks of `Gc.Memprof`. What one of them raises comes back, not
/// rooted. Where OCaml's stack has no room for them, they stay pending.
///
/// # Safety
/// As for [`call`]: runs OCaml code, may collect, does not raise (`signals.c`, 4.13 to 5.4).
#[inline]
pub(crate) unsafe fn process_pending() -> CallResult {
    // SAFETY: the caller's word
    unsafe {
        if room_for_callback().is_err() {
            return Ok(UNIT);
        }
        call_result(caml_process_pending_actions_exn())
    }
}

/// Raises `Stack_overflow`.
///
/// # Safety
/// As for [`raise`].
#[cold]
pub(crate) unsafe fn raise_stack_overflow() -> ! {
    // SAFETY: the caller's word
    unsafe { sys::caml_raise_stack_overflow() };
    unreachable!("caml_raise_stack_overflow returned")
}

/// Prepares boxroot. On OCaml 4 it hooks the runtime lock, so this must come after the thread library's own
/// initialisation, which the OCaml library sees to by depending on `Thread`.
///
/// # Safety
/// The runtime lock is held. No allocation on the OCaml heap.
pub(crate) unsafe fn setup_roots() -> bool {
    // SAFETY: as the caller's; calling it again does nothing
    unsafe {
        lock::watch_collector();
        ending::watch(|| ocaml_boxroot_sys::boxroot_setup())
    }
}
