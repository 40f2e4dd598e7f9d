//! A bridge between OCaml's Lwt promises and Rust's futures.
//!
//! A Rust function that OCaml calls is an async function with an attribute. In OCaml it is a function like any other of Lwt's,
//! `add : int -> int -> int Lwt.t`:
//!
//! ```
//! #[ocaml_lwt_interop::func]
//! pub async fn add(a: isize, b: isize) -> isize {
//!     a + b
//! }
//! ```
//!
//! Its body runs on the thread that runs Lwt, so nothing in it has to be `Send`; and Tokio is there:
//!
//! ```
//! # use std::{rc::Rc, time::Duration};
//! #[ocaml_lwt_interop::func]
//! pub async fn wait_for(milliseconds: isize) {
//!     let local = Rc::new(milliseconds);
//!     tokio::time::sleep(Duration::from_millis(*local as u64)).await;
//! }
//! ```
//!
//! It fails with `?`, whatever the error is. Then OCaml's promise is rejected with `Rust_async.Rust_error`, which has all
//! messages. A panic rejects the promise with `Rust_async.Rust_panic`, and the program goes on:
//!
//! ```
//! # use ocaml_lwt_interop::Error;
//! #[ocaml_lwt_interop::func]
//! pub async fn read_file(path: String) -> Result<String, Error> {
//!     Ok(tokio::task::spawn_blocking(|| std::fs::read_to_string(path)).await??)
//! }
//! ```
//!
//! It takes OCaml functions that return promises, and awaits them. An exception comes back as an [`Error`], and goes to
//! OCaml as the exception it was:
//!
//! ```
//! # use ocaml_lwt_interop::{Error, OCamlAsyncFunc};
//! #[ocaml_lwt_interop::func]
//! pub async fn retry(f: OCamlAsyncFunc<(isize,), String>) -> Result<String, Error> {
//!     for attempt in 0..3 {
//!         match f.call((attempt,)).await {
//!             Err(error) if error.is_exception("Unix.Unix_error") => continue,
//!             ended => return ended,
//!         }
//!     }
//!     Err(Error::msg("gave up"))
//! }
//! ```
//!
//! Handles of OCaml values go to every thread, and work there. The OCaml function itself runs on the thread that runs Lwt, which
//! we call *home*:
//!
//! ```
//! # use ocaml_lwt_interop::{Error, OCamlAsyncFunc};
//! #[ocaml_lwt_interop::func]
//! pub async fn from_a_worker(f: OCamlAsyncFunc<(), isize>) -> Result<isize, Error> {
//!     tokio::spawn(async move { f.call(()).await }).await?
//! }
//! ```
//!
//! A body that computes for long, or blocks, goes to Tokio's threads: a future to its workers, or a plain function to its threads
//! for code that blocks. OCaml sees no difference:
//!
//! ```
//! # use ocaml_lwt_interop::{ByteBuf, Error, OCamlAsyncFunc};
//! #[ocaml_lwt_interop::func(tokio)]
//! pub async fn on_a_worker(f: OCamlAsyncFunc<(), isize>) -> Result<isize, Error> {
//!     f.call(()).await
//! }
//!
//! #[ocaml_lwt_interop::func(blocking)]
//! pub fn read_bytes(path: String) -> Result<ByteBuf, Error> {
//!     Ok(ByteBuf(std::fs::read(path)?))
//! }
//! ```
//!
//! The other way round, an OCaml function that blocks runs on an OCaml thread, while Lwt goes on. An OCaml function that does
//! not block is called at home, from any thread:
//!
//! ```
//! # use ocaml_lwt_interop::{Error, OCamlFunc, run_blocking_in_ocaml};
//! #[ocaml_lwt_interop::func(tokio)]
//! pub async fn count_lines(
//!     read: OCamlFunc<(String,), String>,
//!     count: OCamlFunc<(String,), isize>,
//! ) -> Result<isize, Error> {
//!     let text = run_blocking_in_ocaml(&read, ("words".to_owned(),)).await?;
//!     count.call_async((text,)).await
//! }
//! ```
//!
//! Cancellation goes both ways. `Lwt.cancel` drops the future of a `#[func]`. A future that is dropped cancels the OCaml promise
//! that it awaits. This one does so when the time is up:
//!
//! ```
//! # use std::time::Duration;
//! # use ocaml_lwt_interop::{Error, OCamlAsyncFunc};
//! #[ocaml_lwt_interop::func]
//! pub async fn at_most_a_second(f: OCamlAsyncFunc<(), isize>) -> Result<Option<isize>, Error> {
//!     tokio::time::timeout(Duration::from_secs(1), f.call(())).await.ok().transpose()
//! }
//! ```
//!
//! Streams cross as well, both ways. A function that returns `impl Stream` gives OCaml an `'a Lwt_stream.t`. A function with an
//! argument [`LwtStream`] takes one. A slow reader stops a fast writer, items cross in batches, and either end stops the other:
//!
//! ```
//! # use futures_core::Stream;
//! # use futures_lite::StreamExt;
//! # use ocaml_lwt_interop::{Error, LwtStream};
//! #[ocaml_lwt_interop::func(window = 64)]
//! pub fn uppercase(lines: LwtStream<String>) -> impl Stream<Item = Result<String, Error>> {
//!     lines.map(|line| Ok(line?.to_uppercase()))
//! }
//! ```
//!
//! A Rust value that OCaml holds is an object, of an abstract type there, with functions. Each call keeps it for as long as it runs;
//! it goes when OCaml has let go of it, outside of OCaml's collector:
//!
//! ```
//! # use std::{fs::File, io::Write, sync::Mutex};
//! # use ocaml_lwt_interop::Error;
//! #[ocaml_lwt_interop::object]
//! pub struct Log { file: Mutex<File> }
//!
//! #[ocaml_lwt_interop::func]
//! impl Log {
//!     #[func(blocking)]
//!     pub fn create(path: String) -> Result<Log, Error> {
//!         Ok(Log { file: Mutex::new(File::create(path)?) })
//!     }
//!
//!     #[func(blocking)]
//!     pub fn write(&self, line: String) -> Result<(), Error> {
//!         Ok(self.file.lock().unwrap().write_all(line.as_bytes())?)
//!     }
//! }
//! ```
//!
//! **OCaml code runs on the thread that runs Lwt, unless you send it to a worker domain or to a thread for functions that block.
//! Everything else may be anywhere.**
//!
//! # Where to look
//!
//! - [`macro@func`]: the attribute, with its options and what it refuses.
//! - [`Promise`], [`Resolver`], [`OCamlAsyncFunc`], [`OCamlFunc`], [`OCamlValue`]: handles of OCaml values.
//! - [`macro@object`], [`Object`]: Rust values that OCaml holds.
//! - [`host`]: a program of Rust's with OCaml inside; [`macro@interface`]: what it wants of OCaml.
//! - [`LwtStream`], which Rust reads; [`RustStream`] and [`SendRustStream`], which OCaml reads.
//! - [`domain_executor`]: spawning, other threads; [`run_blocking_in_ocaml`] for OCaml functions that block.
//! - [`DomainPool`]: OCaml functions in parallel to Lwt, on worker domains of OCaml 5.
//! - [`runtime`]: how many threads Tokio has, and what they are called; a runtime of your own.
//! - [`Error`] and [`Exception`](struct@Exception): what goes wrong.
//! - [`macro@Exception`]: an exception that Rust declares.
//! - [`trait@FromOCaml`], [`trait@ToOCaml`]: the types that cross; [`macro@FromOCaml`], [`macro@ToOCaml`]: records and variants.
//! - [`OCamlType`]: what a type is in OCaml, from which declarations are written.
//! - [`ByteBuf`], [`OCamlBytes`], [`OCamlList`], [`OCamlChar`], [`OCamlUchar`], [`OCamlFileDescr`], [`Nativeint`]: conversions that ocaml-rs does not
//!   have.
//! - [`arrays`]: OCaml's Bigarrays, which cross without a copy.
//!
//! # Endings
//!
//! | Rust | OCaml |
//! |---|---|
//! | a value | fulfilled |
//! | `Err(`[`Error`]`)` of an OCaml exception, or [of what has wrapped one](Error#wrapped-errors) | rejected with that same exception |
//! | any other `Err(`[`Error`]`)` | rejected with `Rust_async.Rust_error` |
//! | `Err(ocaml::Error)` | rejected with what ocaml-rs would have raised |
//! | any other `Result` | fulfilled with an OCaml `result` |
//! | a panic | rejected with `Rust_async.Rust_panic` |
//! | the future, or a [`Resolver`], is dropped | rejected with `Rust_async.Broken_promise` |
//!
//! # Lwt's keys
//!
//! What `Lwt.with_value` has bound when OCaml calls a function is bound in each OCaml function that the Rust code of that call
//! calls at home: after every wait, on every thread, in tasks that it spawns, in its streams and destructors. Nothing else is
//! bound there. Outside of calls, as in a task of `tokio::spawn`, a handle's function has what was bound where Rust received the
//! handle.
//!
//! # The end
//!
//! The bridge ends at exit, after the hooks of the program, or earlier by `Rust_async.shutdown`.
//!
//! - Calls are refused with `Rust_async.Misuse`.
//! - The futures of the domain are dropped on it, and their promises are rejected with `Rust_async.Broken_promise`.
//! - Tokio's threads get a second to finish, or as long as `shutdown` says. OCaml's runtime lock is released meanwhile.
//! - Handles that are left on other threads give errors. So do futures there that wait for a promise.
//! - What destructors spawn at that point, with `tokio::spawn`, say, may run or not.
//!
//! In the child of a `fork` calls raise `Rust_async.Misuse`, and the parent goes on.
//!
//! `std::process::exit` ends the process without any of this, and without OCaml's `at_exit`, so what OCaml has buffered is lost.
//! Have OCaml call its `exit` instead. What was printed with `print!` and has no end of line is written in either case.
//!
//! # Signals
//!
//! They are OCaml's: Tokio's threads block them. A child process that is started on Tokio's threads begins with the signals blocked
//! that the program blocked when it first called Rust. `tokio::signal` calls the handler that it finds. A handler that OCaml
//! installs later (`Sys.signal`, `Lwt_unix.on_signal`) calls nobody, so Tokio hears nothing any more.
//!
//! # Asynchronous exceptions
//!
//! OCaml's signal handlers may raise wherever OCaml code allocates: `Sys.Break`, a timeout. If OCaml code of the bridge runs at that
//! point, the exception leaves `Lwt_main.run`, and not a future: nothing here has to expect it. If an OCaml function runs that Rust
//! has called, it is that function's exception.
//!
//! # Deep in the stack
//!
//! A Rust function that OCaml calls has at least 256 KiB of its thread's stack, or a quarter of a stack of less than 1 MiB.
//! Where there is less, the call raises `Stack_overflow`, before any of it has begun. So recursion from OCaml to Rust and
//! back ends with an exception, at some thousand levels on a stack of 8 MiB.
//!
//! - A promise that is resolved or cancelled there reaches Rust in the next turn of the loop.
//! - A stack without a limit (`ulimit -s unlimited`) is taken for one of 256 MiB.
//! - Nobody checks what Rust's own code does with its 256 KiB. Recursion within Rust ends the process, as in any Rust program.
//!
//! # Rules
//!
//! 1. Do not release OCaml's runtime lock while you use this crate. If a `#[func]` calls ocaml-rs's `enter_blocking_section`, it
//!    must leave the section before the next `.await` and the end of the function. A use of a handle meanwhile panics, or gives an
//!    error.
//! 2. Link one Rust static library into an executable.
//!
//! `doc/` has more of these rules, and a guide in chapters.

// A panic ends a promise. Without unwinding it would end the process, before OCaml's own hooks. (The documentation is made in any
// profile.)
#[cfg(all(panic = "abort", not(doc), not(doctest)))]
compile_error!(
    "ocaml-lwt-interop was built with panic = \"abort\"\n\
     why:     a panic in a Rust function rejects its promise with Rust_async.Rust_panic, for which it has to unwind\n\
     instead: take `panic = \"abort\"` out of the profile in Cargo.toml, or write `panic = \"unwind\"`"
);

// The floors of the house, from the ground. A module imports only from modules that stand before it, in this list and in the list
// of each folder. `test/house` checks that.
mod panic;
mod checked;
mod lock;
mod status;
mod stack;
mod chain;
mod signals;
mod wake;
mod caml;
mod values;
mod conversion;
mod arguments;
mod tasks;
mod home;
mod storage;
mod received;
pub mod arrays;
mod exception;
mod error;
mod registered;
mod errors_to_ocaml;
mod ending;
pub mod runtime;
mod executor;
mod handles;
mod objects;
mod stats;
mod rust_to_lwt;
mod declarations;
mod lwt_to_rust;
pub mod interface;
pub mod domain_executor;
pub mod domain_pool;
mod shutdown;
pub mod host;
mod exports;
mod assertions;

pub use arrays::{Lent, OwnedArray};
pub use conversion::declare::{Coming, Going, OCamlType, Type, Types};
pub use conversion::{FromOCaml, ToOCaml};
pub use domain_executor::{
    Handle, JoinHandle, handle, ocaml_runtime, run_blocking_in_ocaml, spawn, spawn_local, tokio_rt,
};
pub use domain_pool::{DomainPool, PoolCall};
pub use error::Error;
pub use exception::Exception;
pub use func::{OCamlAsyncFunc, OCamlFunc};
pub use interface::Provided;
pub use objects::{OCamlObject, Object};
pub use ocaml_lwt_interop_macros::{Exception, FromOCaml, ToOCaml, func, interface, object};
pub use promise::{Promise, PromiseFuture, Resolver};
pub use registered::OCamlException;
pub use stats::Stats;
pub use stream::{LwtStream, RustStream, SendRustStream};
pub use values::{
    ByteBuf, Nativeint, OCamlBytes, OCamlChar, OCamlFileDescr, OCamlList, OCamlUchar, OCamlValue,
};

/// Lwt promises in Rust: [`Promise`], which Rust awaits, and
/// [`Resolver`], with which Rust settles one.
pub mod promise {
    pub use crate::lwt_to_rust::promise::{Promise, PromiseFuture};
    pub use crate::rust_to_lwt::resolver::Resolver;
}

/// Streams: [`LwtStream`], which Rust reads, and [`RustStream`] or [`SendRustStream`], which OCaml reads.
pub mod stream {
    pub use crate::lwt_to_rust::stream::LwtStream;
    pub use crate::rust_to_lwt::stream::{RustStream, SendRustStream};
}

/// OCaml functions in Rust.
pub mod func {
    pub use crate::arguments::IntoArguments;
    pub use crate::lwt_to_rust::blocking_call::BlockingFuture;
    pub use crate::lwt_to_rust::func::{CallFuture, OCamlAsyncFunc, OCamlFunc, ValueFuture};
}

/// Links OCaml's bytecode runtime into the unit tests of a crate. They run no OCaml code, but what the crate refers to of the
/// runtime has to be there. `build.rs` puts that library where cargo looks for it.
#[doc(hidden)]
#[macro_export]
macro_rules! __link_runtime_into_tests {
    () => {
        #[cfg(test)]
        #[link(
            name = "ocaml_lwt_interop_runtime",
            kind = "static",
            modifiers = "-bundle"
        )]
        unsafe extern "C" {}
    };
}

/// What the expansions of the macros name. Not for anybody else: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::__link_runtime_into_tests as link_runtime_into_tests;
    pub use crate::caml::{Live, Raw, run};
    pub use crate::conversion::{FromOCaml, ToOCaml, build, declare, float, read, shape};
    pub use crate::declarations::{
        Declaration, DeclaredException, DeclaredInterface, Described, Function, FunctionArgument,
        Known, Label, Returned, ReturnedError, ReturnedOCamlError, ReturnedValue, Unknown,
    };
    pub use crate::interface::{Functions, Gives, GivesError, GivesResult, GivesValue, MethodType};
    pub use crate::objects::{
        Borrowed, NotObject, NotSend, NotShared, Probe, object_on_a_thread_of_tokios,
    };
    pub use crate::rust_to_lwt::argument::{
        Argument, ArgumentError, Arguments, Cancel, ConvertArgument, ConvertString, NotRead,
        Signature, borrow,
    };
    pub use crate::rust_to_lwt::at_once::call_at_once;
    pub use crate::rust_to_lwt::on_tokio::{
        argument_is_send, rust_to_lwt_on_blocking_pool, rust_to_lwt_on_workers,
    };
    pub use crate::rust_to_lwt::output::{
        EndingOfError, EndingOfErrorOrObject, EndingOfOCamlError, EndingOfObject, EndingOfValue,
        Outcome, Output,
    };
    pub use crate::rust_to_lwt::stream::{StreamOf, StreamOfResults, StreamOfValues};
    pub use crate::rust_to_lwt::stub::{rust_to_lwt, rust_to_lwt_stream};
    pub use ocaml::{FromValue, Runtime, ToValue, Value};
}
