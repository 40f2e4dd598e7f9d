//! The only place that imports `caml_*`. Thin, named after what the rest needs.
//!
//! Claims about the runtime cite its sources: OCaml 4.13 to 5.4, `runtime/callback.c`, `runtime/fail_*.c`,
//! `runtime/custom.c`, `runtime/signals.c`.

pub(crate) mod lock;
mod value;
mod call;
mod callbacks;
pub(crate) mod chunk;
mod exception;
mod dropped;
#[cfg(ocaml_5)]
mod ending;
mod root;
pub(crate) mod bigarray;
pub(crate) mod owned_array;
pub(crate) mod loan;
mod guest;
pub(crate) mod owned_block;
pub(crate) mod reader;
pub(crate) mod source;

pub(crate) use call::{
    NamedValue, Standard, call, check_stacks, named_value, process_pending, raise,
    raise_stack_overflow, raise_standard, was_raised_last,
};
pub(crate) use callbacks::{Callback, Callbacks, LwtsStorage};
pub(crate) use dropped::delete_dropped_roots;
pub(crate) use exception::{
    constructor_number, exception_arguments, exception_constructor, is_exception_constructor,
    is_like, is_string,
};
pub(crate) use guest::{AtWork, Signals, guests_at_work};
pub(crate) use lock::without_lock;
pub(crate) use root::{Root, count_roots_here, keeping, live_roots, setup_roots};
pub use value::Raw;
pub(crate) use value::{
    EMPTY_LIST, UNIT, alloc_string, block, bool, cons, field, int, int_val, is_closure,
    is_immediate, list_length, protect, replace, set_field, string, string_bytes, string_list, tag,
    uncons,
};
