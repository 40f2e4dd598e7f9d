//! The only module that imports `caml_*`. It is thin, and its names are those that the other modules need.
//!
//! Claims about the runtime cite its sources: OCaml 4.13 to 5.4, `runtime/callback.c`, `runtime/fail_*.c`,
//! `runtime/custom.c`, `runtime/signals.c`.

pub(crate) mod lock;
mod value;
mod call;
pub(crate) mod alloc;
mod dropped;
#[cfg(ocaml_5)]
mod domain_end;
mod root;
mod exception;
pub(crate) mod bigarray;
pub(crate) mod owned_array;
pub(crate) mod loan;
mod foreign_thread;
pub(crate) mod owned_block;
mod typed;
pub(crate) mod reader;
pub(crate) mod source;
mod callbacks;

pub(crate) use call::{
    NamedValue, Standard, call, check_stacks, named_value, process_pending, raise,
    raise_stack_overflow, raise_standard, was_raised_last,
};
pub(crate) use callbacks::{Callback, Callbacks, Function, LwtsStorage};
pub(crate) use dropped::delete_dropped_roots;
pub(crate) use exception::{
    constructor_number, exception_argument, exception_arguments, exception_constructor,
    exception_name, is_exception, is_exception_of, is_like, is_string,
};
pub(crate) use foreign_thread::{AtWork, Signals, blocking_calls_at_work};
pub(crate) use lock::without_lock;
pub(crate) use root::{Root, count_roots_here, keeping, live_roots, setup_roots};
pub(crate) use typed::{Arguments, PromiseState, Returned, Typed, TypedRoot, types};
pub use value::Raw;
pub(crate) use value::{
    EMPTY_LIST, UNIT, alloc_string, block, bool, cons, field, int, int_val, is_closure,
    is_immediate, list_length, protect, replace, set_field, string, string_bytes, string_list, tag,
    uncons,
};
