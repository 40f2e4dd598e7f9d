//! The OCaml functions that Rust calls: one record, handed over once, rooted for the life of the process.

use std::marker::PhantomData;

use ocaml::sys;

use super::call::{call, raised_by};
use super::live::Live;
use super::lock::Access;
use super::reader::Reader;
use super::source::Source;
use super::typed::{
    Argument, Arguments, Described, Given, PendingPromise, PromiseState, Typed, types,
};
use super::value::{self, Raw, field};

/// The fields of the record `t` in `ocaml/callbacks.ml`, in its order.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
enum Callback {
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

/// One of the functions, with its types.
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

/// The types are those of the record.
impl Callbacks {
    /// The promise is not rooted.
    pub(crate) const RESOLVED: Function<(types::Any,), Raw> = Function::new(Callback::Resolved);
    /// The promise is not rooted.
    pub(crate) const FAILED: Function<(types::Exception, types::Backtrace), Raw> =
        Function::new(Callback::Failed);
    pub(crate) const PENDING: Function<(types::Int, types::Bool), PendingPromise> =
        Function::new(Callback::Pending);
    pub(crate) const FULFIL: Function<(types::Resolver, types::Any), ()> =
        Function::new(Callback::Fulfil);
    pub(crate) const REJECT: Function<(types::Resolver, types::Exception, types::Backtrace), ()> =
        Function::new(Callback::Reject);
    pub(crate) const ARM: Function<(types::Unit,), ()> = Function::new(Callback::Arm);
    pub(crate) const STATE: Function<(types::Promise,), PromiseState> =
        Function::new(Callback::State);
    pub(crate) const SUBSCRIBE: Function<(types::Promise, types::Token, types::Int), ()> =
        Function::new(Callback::Subscribe);
    pub(crate) const RELEASE: Function<(types::Int, types::Bool), ()> =
        Function::new(Callback::Release);
    pub(crate) const CANCEL: Function<(types::Promise,), ()> = Function::new(Callback::Cancel);
    pub(crate) const DESCRIBE: Function<(types::Exception,), Described> =
        Function::new(Callback::Describe);
    pub(crate) const ASYNC: Function<(types::Exception,), ()> = Function::new(Callback::Async);
    pub(crate) const RUST_ERROR: Make<(types::String, types::Strings)> =
        Function::new(Callback::RustError);
    pub(crate) const RUST_PANIC: Make<(types::String, types::String)> =
        Function::new(Callback::RustPanic);
    pub(crate) const BROKEN_PROMISE: Make<(types::Unit,)> = Function::new(Callback::BrokenPromise);
    pub(crate) const MISUSE: Make<(types::String,)> = Function::new(Callback::Misuse);
    pub(crate) const PREDEFINED: Make<(types::Int, types::String)> =
        Function::new(Callback::Predefined);
    pub(crate) const CANCELED: Make<(types::Unit,)> = Function::new(Callback::Canceled);
    pub(crate) const STREAM: Function<(types::StreamToken,), ocaml::Value> =
        Function::new(Callback::Stream);
    pub(crate) const DELIVER: Function<(Reader,), ()> = Function::new(Callback::Deliver);
    pub(crate) const CLOSE_UNLESS_WAITED: Function<(Reader,), bool> =
        Function::new(Callback::CloseUnlessWaited);
    pub(crate) const READ: Function<(Source, types::Int), Typed<types::Promise>> =
        Function::new(Callback::Read);
    pub(crate) const COLLECT: Function<(Source,), ()> = Function::new(Callback::Collect);
    pub(crate) const BREAK_ALL: Function<(types::Bool,), ()> = Function::new(Callback::BreakAll);
    pub(crate) const BLOCKING_THREAD: Function<(types::Int,), Vec<u8>> =
        Function::new(Callback::BlockingThread);
    pub(crate) const BOUND: Function<(types::Unit,), Typed<types::Storage>> =
        Function::new(Callback::Bound);
    pub(crate) const UNDER: Function<(types::Storage, types::Int), ()> =
        Function::new(Callback::Under);
}

/// A function that makes an exception.
pub(crate) type Make<A> = Function<A, Typed<types::Exception>>;

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
pub(crate) struct LwtsStorage<'a> {
    /// A reference: to the storage, if that is shown; else to whether the program has keys.
    cell: Live<'a>,
    /// What is in it.
    now: Live<'a>,
    /// The storage in which nothing is bound.
    nothing: Live<'a>,
    is_shown: bool,
}

impl LwtsStorage<'_> {
    /// Whether the place has a 0: nothing is bound, or the program has no keys.
    #[inline]
    pub(crate) fn is_zero(self) -> bool {
        self.now.raw() == value::int(0)
    }

    /// The storage as it is now, where that is shown. No allocation on the OCaml heap.
    pub(crate) fn now(self) -> Option<Typed<types::Storage>> {
        // SAFETY: it is one
        self.is_shown.then(|| unsafe { Typed::of(self.now) })
    }

    /// The storage in which nothing is bound. No allocation on the OCaml heap.
    pub(crate) fn nothing(self) -> Typed<types::Storage> {
        // SAFETY: it is one
        unsafe { Typed::of(self.nothing) }
    }

    /// Puts another storage where Lwt's is, where that is shown. No allocation on the OCaml heap.
    pub(crate) fn set(self, storage: &impl Argument<types::Storage>) {
        assert!(self.is_shown);
        let storage = storage.raw(self.cell.access());
        // SAFETY: a reference to a storage (`caml_modify`)
        unsafe { sys::store_field(self.cell.raw().0, 0, storage.0) }
    }
}

/// The record, behind a generational global root that all executors share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Callbacks(*mut sys::Value);

impl Callbacks {
    /// How many fields the record has.
    pub(crate) const FIELDS: isize = Constant::IsShown as isize + 1;

    /// Calls a function with arguments of its types. Runs OCaml code; does not raise: the exception comes back.
    #[inline]
    pub(crate) fn call<A, R: Given>(
        &self,
        access: Access<'_>,
        function: &Function<A, R>,
        arguments: &impl Arguments<A>,
    ) -> Result<R, Typed<types::Exception>> {
        let (mut arguments, count) = arguments.raw(access);
        // SAFETY: the record has a field for every variant and lives in the root; live arguments of the types that the function
        // takes; what it gives is of its type, and kept at once
        unsafe {
            let callback = field(Raw(*self.0), function.callback as usize);
            match call(access, callback, &mut arguments[..count]) {
                Ok(value) => Ok(R::of(Live::new(access, value))),
                Err(exception) => Err(raised_by(Live::new(access, exception))),
            }
        }
    }

    /// No allocation.
    #[inline]
    pub(crate) fn lwts_storage<'a>(&self, access: Access<'a>) -> LwtsStorage<'a> {
        // SAFETY: the record has these fields and lives in the root, and a reference has one field
        unsafe {
            let constant = |which: Constant| field(Raw(*self.0), which as usize);
            let cell = constant(Constant::Cell);
            LwtsStorage {
                cell: Live::new(access, cell),
                now: Live::new(access, field(cell, 0)),
                nothing: Live::new(access, constant(Constant::Nothing)),
                is_shown: constant(Constant::IsShown) == value::bool(true),
            }
        }
    }
}

/// A function of `unit`.
pub(crate) struct Thunk(ocaml::Value);

impl Given for Thunk {
    unsafe fn of(live: Live<'_>) -> Self {
        Thunk(live.rooted())
    }
}

impl Thunk {
    /// Runs OCaml code; does not raise: the exception comes back.
    pub(crate) fn call(&self, access: Access<'_>) -> Result<(), Typed<types::Exception>> {
        // SAFETY: so it was given, and rooted until it is called; the exception is rooted at once
        unsafe {
            match call(access, self.0.raw(), &mut [value::UNIT]) {
                Ok(_) => Ok(()),
                Err(exception) => Err(raised_by(Live::new(access, exception))),
            }
        }
    }
}

/// The record, as OCaml passes it.
pub(crate) struct Record<'a>(Live<'a>);

impl<'a> Record<'a> {
    /// # Safety
    /// It is what `callbacks.ml` makes.
    pub(crate) unsafe fn new(record: Live<'a>) -> Self {
        Record(record)
    }

    /// Keeps it for the life of the process. No allocation on the OCaml heap.
    pub(crate) fn keep(self) -> Callbacks {
        let cell = Box::into_raw(Box::new(self.0.raw().0));
        // SAFETY: there is access; a cell that is never freed, initialised with a live value
        unsafe { sys::caml_register_generational_global_root(cell) };
        Callbacks(cell)
    }
}
