//! The only module that imports `caml_*`. It is thin, and its names are those that the other modules need.
//!
//! Claims about the runtime cite its sources: OCaml 4.13 to 5.4, `runtime/callback.c`, `runtime/fail_*.c`,
//! `runtime/custom.c`, `runtime/signals.c`.

pub(crate) mod lock;
mod value;
mod live;
mod pile;
mod dropped;
#[cfg(ocaml_5)]
mod domain_end;
mod root;
mod list;
mod typed;
mod operations;
pub(crate) mod bigarray;
pub(crate) mod owned_array;
pub(crate) mod loan;
mod call;
mod called;
pub(crate) mod alloc;
mod exception;
mod foreign_thread;
pub(crate) mod owned_block;
pub(crate) mod reader;
pub(crate) mod source;
mod callbacks;
mod convert;
pub(crate) mod startup;

pub use call::Raised;
pub(crate) use call::{
    NamedValue, Standard, call, check_stacks, named_value, process_pending, raised_by,
    was_raised_last,
};
pub(crate) use callbacks::{Callbacks, Function, LwtsStorage, Make, Record, Thunk};
pub(crate) use called::given;
pub use called::{Called, Passed, run};
pub(crate) use convert::convert;
pub(crate) use dropped::delete_dropped_roots;
pub(crate) use exception::{
    as_exception, constructor_number, exception_argument, exception_arguments,
    exception_constructor, exception_name, is_exception_of, is_like,
};
pub(crate) use foreign_thread::{AtWork, blocking_calls_at_work};
pub(crate) use list::ListItems;
pub use live::Live;
pub(crate) use lock::without_lock;
pub(crate) use root::{Root, count_roots_here, live_roots, setup_roots};
pub(crate) use typed::{
    Arguments, Described, Given, PendingPromise, PromiseState, Typed, TypedRoot, promise_of, types,
};
pub use value::Raw;
pub(crate) use value::{
    EMPTY_LIST, UNIT, alloc_string, bool, cons, field, int, int_val, is_immediate, list_length,
    protect, replace, string, string_bytes, tag,
};
