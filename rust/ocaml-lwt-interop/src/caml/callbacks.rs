//! The OCaml functions that Rust calls: one record, handed over once, rooted for the life of the process.

use ocaml::sys;

use super::{CallResult, Raw, call, field};

/// The fields of the record `callbacks` in `ocaml/rust_async.ml`, in its order.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub(crate) enum Callback {
    /// `'a -> 'a Lwt.t`
    Resolved,
    /// `exn -> Printexc.raw_backtrace option -> 'a Lwt.t`
    Failed,
    /// `int -> bool -> 'a Lwt.t * 'a Lwt.u`: a pending promise; cancelling it calls back with the task's key
    Pending,
    /// `'a Lwt.u -> 'a -> unit`
    Fulfil,
    /// `'a Lwt.u -> exn -> Printexc.raw_backtrace option -> unit`
    Reject,
    /// `unit -> unit`: a tick after the loop's next pause
    Arm,
    /// `'a Lwt.t -> 'a Lwt.state`
    State,
    /// `'a Lwt.t -> token -> int -> unit`: the index of the subscription, twice, and 1 if the wait is direct
    Subscribe,
    /// `int -> bool -> unit`: detaches the callbacks of a subscription, and cancels its promise or not
    Release,
    /// `'a Lwt.t -> unit`: `Lwt.cancel`
    Cancel,
    /// `exn -> string * Printexc.raw_backtrace option`
    Describe,
    /// `exn -> unit`: `!Lwt.async_exception_hook`
    Async,
    /// `string -> string list -> exn`
    RustError,
    /// `string -> string -> exn`
    RustPanic,
    /// `unit -> exn`
    BrokenPromise,
    /// `string -> exn`
    Misuse,
    /// `int -> string -> exn`: see `exception.rs`
    Predefined,
    /// `unit -> exn`: `Lwt.Canceled`
    Canceled,
    /// `stream_token -> 'a Lwt_stream.t * reader Weak.t`
    Stream,
    /// `reader Weak.t -> arrived -> unit`: what a reader waits for, or an ending
    Arrived,
    /// `'a Lwt_stream.t -> 'a option Lwt.t option -> int -> batch Lwt.t`
    Read,
}

/// The record, behind a generational global root that all executors share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Callbacks(*mut sys::Value);

impl Callbacks {
    /// # Safety
    /// The runtime lock is held; `record` is the record that `rust_async.ml` makes. Called once for the process,
    /// so the root is never removed. No allocation on the OCaml heap.
    pub(crate) unsafe fn new(record: Raw) -> Self {
        let cell = Box::into_raw(Box::new(record.0));
        // SAFETY: a cell that is never freed, initialised with a live value
        unsafe { sys::caml_register_generational_global_root(cell) };
        Callbacks(cell)
    }

    /// # Safety
    /// As for [`call`]: runtime lock, a thread that may run OCaml code, live arguments of the types that the function
    /// takes. Runs OCaml code; does not raise.
    #[inline]
    pub(crate) unsafe fn call(&self, callback: Callback, arguments: &mut [Raw]) -> CallResult {
        // SAFETY: the record has a field for every variant and lives in the root; the rest is the caller's word
        unsafe { call(field(Raw(*self.0), callback as usize), arguments) }
    }
}
