//! The OCaml functions that Rust calls: one record, handed over once, rooted for the life of the process.

use std::marker::PhantomData;

use ocaml::sys;

use super::call::{CallResult, call};
use super::lock::Access;
use super::reader::Reader;
use super::source::Source;
use super::typed::{Arguments, PromiseState, Returned, Typed, types};
use super::value::{self, Raw, field, protect};

/// The fields of the record `t` in `ocaml/callbacks.ml`, in its order.
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
    /// `int -> string -> exn`: see `errors_to_ocaml.rs`
    Predefined,
    /// `unit -> exn`: `Lwt.Canceled`
    Canceled,
    /// `stream_token -> 'a Lwt_stream.t`
    Stream,
    /// `reader -> unit`: what the reader was given settles its open read; again until it returns
    Deliver,
    /// `reader -> bool`: closes the open read that nobody waits for, and says whether none is open; again until it returns
    CloseUnlessWaited,
    /// `source -> int -> source Lwt.t`: resolved when there is something to collect, up to so many items
    Read,
    /// `source -> unit`: what is there becomes what the source has for Rust
    Collect,
    /// `unit -> unit`: nobody waits for promises any more
    BreakAll,
    /// `int -> string`: makes a thread for functions that block; says why not, or nothing
    BlockingThread,
    /// `unit -> Storage.t`: what is bound now
    Bound,
    /// `Storage.t -> int -> unit`: has the closure of that number called with this bound
    Under,
}

/// One of the functions that may be called again, with its types.
pub(crate) struct Function<A, R> {
    callback: Callback,
    types: PhantomData<fn(A) -> R>,
}

impl<A, R> Function<A, R> {
    const fn new(callback: Callback) -> Self {
        Function {
            callback,
            types: PhantomData,
        }
    }
}

/// The functions that are called by [`Home::ask`](crate::home::Home::ask). The types are those of the record.
impl Callbacks {
    pub(crate) const ARM: Function<(types::Unit,), ()> = Function::new(Callback::Arm);
    pub(crate) const STATE: Function<(types::Promise,), PromiseState> =
        Function::new(Callback::State);
    pub(crate) const SUBSCRIBE: Function<(types::Promise, types::Token, types::Int), ()> =
        Function::new(Callback::Subscribe);
    pub(crate) const RELEASE: Function<(types::Int, types::Bool), ()> =
        Function::new(Callback::Release);
    pub(crate) const CANCEL: Function<(types::Promise,), ()> = Function::new(Callback::Cancel);
    pub(crate) const CANCELED: Function<(types::Unit,), ocaml::Value> =
        Function::new(Callback::Canceled);
    pub(crate) const STREAM: Function<(types::StreamToken,), ocaml::Value> =
        Function::new(Callback::Stream);
    pub(crate) const DELIVER: Function<(Reader,), ()> = Function::new(Callback::Deliver);
    pub(crate) const CLOSE_UNLESS_WAITED: Function<(Reader,), bool> =
        Function::new(Callback::CloseUnlessWaited);
    pub(crate) const READ: Function<(Source, types::Int), Typed<types::Promise>> =
        Function::new(Callback::Read);
    pub(crate) const COLLECT: Function<(Source,), ()> = Function::new(Callback::Collect);
    pub(crate) const BREAK_ALL: Function<(types::Unit,), ()> = Function::new(Callback::BreakAll);
}

/// The fields of the record that are no functions.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
enum Constant {
    /// `Obj.t`: see `storage.mli`, as for the others
    Cell = Callback::Under as usize + 1,
    /// `Storage.t`
    Nothing,
    /// `bool`
    IsShown,
}

/// Where Lwt's storage is, or how it is reached; see `storage.rs`. Not rooted.
#[derive(Clone, Copy)]
pub(crate) struct LwtsStorage {
    /// A reference: to the storage, if that is shown; else to whether the program has keys.
    pub(crate) cell: Raw,
    /// The storage in which nothing is bound.
    pub(crate) nothing: Raw,
    pub(crate) is_shown: bool,
}

/// The record, behind a generational global root that all executors share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Callbacks(*mut sys::Value);

impl Callbacks {
    /// How many fields the record has.
    pub(crate) const FIELDS: isize = Constant::IsShown as isize + 1;

    /// # Safety
    /// `record` is the record that `callbacks.ml` makes, and live. Called once for the process, so the root is never removed. No
    /// allocation on the OCaml heap.
    pub(crate) unsafe fn new(_access: Access<'_>, record: Raw) -> Self {
        let cell = Box::into_raw(Box::new(record.0));
        // SAFETY: the lock is held; a cell that is never freed, initialised with a live value
        unsafe { sys::caml_register_generational_global_root(cell) };
        Callbacks(cell)
    }

    /// # Safety
    /// As for [`call`]: live arguments of the types that the function takes. Runs OCaml code; does not raise.
    #[inline]
    pub(crate) unsafe fn call(
        &self,
        access: Access<'_>,
        callback: Callback,
        arguments: &mut [Raw],
    ) -> CallResult {
        // SAFETY: the record has a field for every variant and lives in the root; the rest is the caller's word
        unsafe { call(access, field(Raw(*self.0), callback as usize), arguments) }
    }

    /// Calls a function with arguments of its types. Runs OCaml code; does not raise: the exception comes back.
    #[inline]
    pub(crate) fn ask<A, R: Returned>(
        &self,
        access: Access<'_>,
        function: &Function<A, R>,
        arguments: &impl Arguments<A>,
    ) -> Result<R, ocaml::Value> {
        let (mut arguments, count) = arguments.raw(access);
        // SAFETY: live arguments of the types that the function takes; what it gives is of its type, and kept at once
        unsafe {
            match self.call(access, function.callback, &mut arguments[..count]) {
                Ok(result) => Ok(R::of(access, result)),
                Err(exception) => Err(protect(access, exception)),
            }
        }
    }

    /// No allocation.
    #[inline]
    pub(crate) fn lwts_storage(&self, _access: Access<'_>) -> LwtsStorage {
        // SAFETY: the lock is held; the record has these fields and lives in the root
        let constant = |which: Constant| unsafe { field(Raw(*self.0), which as usize) };
        LwtsStorage {
            cell: constant(Constant::Cell),
            nothing: constant(Constant::Nothing),
            is_shown: constant(Constant::IsShown) == value::bool(true),
        }
    }
}
