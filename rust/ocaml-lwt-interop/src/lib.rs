//! A bridge between OCaml's Lwt promises and Rust's futures.
//!
//! A Rust function that OCaml calls is an async function with an attribute. OCaml declares it as
//! `external add : int -> int -> int Lwt.t = "my_crate__add"` and has a function like any other of Lwt's:
//!
//! ```no_run
//! #[ocaml_lwt_interop::func]
//! pub async fn add(a: isize, b: isize) -> isize {
//!     a + b
//! }
//! ```
//!
//! Its body runs on the thread that runs Lwt, so nothing in it has to be `Send`; and Tokio is there:
//!
//! ```no_run
//! # use std::{rc::Rc, time::Duration};
//! #[ocaml_lwt_interop::func]
//! pub async fn wait_for(milliseconds: isize) {
//!     let local = Rc::new(milliseconds);
//!     tokio::time::sleep(Duration::from_millis(*local as u64)).await;
//! }
//! ```
//!
//! It fails with `?`, whatever the error is. OCaml's promise is rejected with `Rust_async.Rust_error`, with all the
//! messages; a panic rejects it with `Rust_async.Rust_panic`, and the program goes on:
//!
//! ```no_run
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
//! ```no_run
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
//! Handles of OCaml values go to every thread, and work there; the OCaml function runs at home:
//!
//! ```no_run
//! # use ocaml_lwt_interop::{Error, OCamlAsyncFunc};
//! #[ocaml_lwt_interop::func]
//! pub async fn from_a_worker(f: OCamlAsyncFunc<(), isize>) -> Result<isize, Error> {
//!     tokio::spawn(async move { f.call(()).await }).await?
//! }
//! ```
//!
//! A body that computes for long, or blocks, is one for Tokio's threads: a future on its workers, or a plain function on its
//! blocking pool. OCaml sees no difference:
//!
//! ```no_run
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
//! The other way round, an OCaml function that blocks runs on a thread of OCaml's while Lwt goes on; and one that does not is
//! called at home, from wherever:
//!
//! ```no_run
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
//! Cancellation goes both ways. `Lwt.cancel` drops the future of a `#[func]`; and a future that is dropped cancels the
//! OCaml promise it awaits, as this one does when time is up:
//!
//! ```no_run
//! # use std::time::Duration;
//! # use ocaml_lwt_interop::{Error, OCamlAsyncFunc};
//! #[ocaml_lwt_interop::func]
//! pub async fn at_most_a_second(f: OCamlAsyncFunc<(), isize>) -> Result<Option<isize>, Error> {
//!     tokio::time::timeout(Duration::from_secs(1), f.call(())).await.ok().transpose()
//! }
//! ```
//!
//! Streams cross as well, both ways: a function that returns `impl Stream` gives OCaml an `'a Lwt_stream.t`, and takes one as
//! an [`LwtStream`]. A slow reader stops a fast writer, items cross in batches, and either end stops the other:
//!
//! ```no_run
//! # use futures_core::Stream;
//! # use futures_lite::StreamExt;
//! # use ocaml_lwt_interop::{Error, LwtStream};
//! #[ocaml_lwt_interop::func(window = 64)]
//! pub fn uppercase(lines: LwtStream<String>) -> impl Stream<Item = Result<String, Error>> {
//!     lines.map(|line| Ok(line?.to_uppercase()))
//! }
//! ```
//!
//! **OCaml code runs on the thread that runs Lwt, unless it is sent to a worker domain or is to block; everything else may be
//! anywhere.**
//!
//! # Where to look
//!
//! - [`macro@func`]: the attribute, with its options and what it refuses.
//! - [`Promise`], [`Resolver`], [`OCamlAsyncFunc`], [`OCamlFunc`], [`OCamlValue`]: handles of OCaml values.
//! - [`LwtStream`], which Rust reads; [`RustStream`] and [`SendRustStream`], which OCaml reads.
//! - [`domain_executor`]: spawning, other threads; [`run_blocking_in_ocaml`] for OCaml functions that block.
//! - [`DomainPool`]: OCaml functions in parallel to Lwt, on worker domains of OCaml 5.
//! - [`runtime`]: how many threads Tokio has, and what they are called; a runtime of your own.
//! - [`Error`] and [`Exception`](struct@Exception): what goes wrong.
//! - [`macro@Exception`]: an exception that Rust declares.
//! - [`trait@FromOCaml`], [`trait@ToOCaml`]: the types that cross; [`macro@FromOCaml`], [`macro@ToOCaml`]: records and variants.
//! - [`OCamlType`]: what a type is in OCaml, from which declarations are written.
//! - [`ByteBuf`], [`OCamlList`], [`Nativeint`]: conversions that ocaml-rs does not have.
//! - [`arrays`]: OCaml's Bigarrays, which cross without a copy.
//!
//! # Endings
//!
//! | Rust | OCaml |
//! |---|---|
//! | a value | fulfilled |
//! | `Err(`[`Error`]`)` of an OCaml exception | rejected with that same exception |
//! | any other `Err(`[`Error`]`)` | rejected with `Rust_async.Rust_error` |
//! | `Err(ocaml::Error)` | rejected with what ocaml-rs would have raised |
//! | any other `Result` | fulfilled with an OCaml `result` |
//! | a panic | rejected with `Rust_async.Rust_panic` |
//! | the future, or a [`Resolver`], is dropped | rejected with `Rust_async.Broken_promise` |
//!
//! # Lwt's keys
//!
//! What `Lwt.with_value` has bound when a function is called is bound in each OCaml function at home that its code calls: after
//! every wait, on every thread, in tasks that it spawns, in its streams and destructors. Nothing else is bound there. Outside
//! of calls, as in a task of `tokio::spawn`, a handle's function has what was bound where Rust received the handle.
//!
//! # The end
//!
//! At exit, behind the hooks of the program, or earlier by `Rust_async.shutdown`: calls are refused with
//! `Rust_async.Misuse`, futures of the domain are dropped on it, their promises rejected with `Rust_async.Broken_promise`, and
//! Tokio's threads get a second to finish, or as long as `shutdown` is told, with OCaml's runtime lock released. Handles that
//! are left elsewhere give errors, and so do futures on other threads that wait for a promise. What destructors spawn then, with
//! `tokio::spawn`, say, may run or not. In the child of a `fork` calls raise `Rust_async.Misuse`; the parent goes on.
//!
//! `std::process::exit` ends the process without any of this, and without OCaml's `at_exit`, so what OCaml has buffered is lost:
//! have OCaml call its `exit`. What was printed with `print!` and has no end of line is written in either case.
//!
//! # Signals
//!
//! They are OCaml's: Tokio's threads block them. A child that is started there begins with those blocked that the program
//! blocked when it first called Rust. `tokio::signal` calls the handler that it finds; a handler that OCaml installs later
//! (`Sys.signal`, `Lwt_unix.on_signal`) calls nobody, so that Tokio hears nothing any more.
//!
//! # Asynchronous exceptions
//!
//! OCaml's signal handlers may raise wherever OCaml code allocates: `Sys.Break`, a timeout. What comes so while OCaml code of
//! the bridge runs leaves `Lwt_main.run`, and not a future: nothing here has to expect it. What comes in an OCaml function that
//! Rust calls is that function's exception.
//!
//! # Deep in the stack
//!
//! A Rust function that OCaml calls has at least 256 KiB of its thread's stack, or a quarter of a stack of less than 1 MiB.
//! Where there is less, the call raises `Stack_overflow`, before anything of it has begun: so recursion from OCaml to Rust and
//! back ends with an exception, at some thousand levels on a stack of 8 MiB. A promise that is resolved or cancelled there
//! reaches Rust in the next turn of the loop. A stack without a limit (`ulimit -s unlimited`) is taken for one of 256 MiB.
//! What Rust's own code does with its 256 KiB, nobody looks at: recursion within Rust ends the process, as in any Rust program.
//!
//! # Rules
//!
//! 1. Do not release OCaml's runtime lock while you use this crate: ocaml-rs's `enter_blocking_section` in a `#[func]`
//!    must be left before the next `.await` and the end of the function. A use of a handle meanwhile panics, or gives an error.
//! 2. One Rust static library for an executable.

// Panics end a promise; without unwinding they would end the process, past everything that OCaml has to say. (The
// documentation is made in any profile.)
#[cfg(all(panic = "abort", not(doc), not(doctest)))]
compile_error!(
    "ocaml-lwt-interop was built with panic = \"abort\"\n\
     why:     a panic in a Rust function rejects its promise with Rust_async.Rust_panic, for which it has to unwind\n\
     instead: take `panic = \"abort\"` out of the profile in Cargo.toml, or write `panic = \"unwind\"`"
);

// The floors of the house, from the ground: a module imports only from those that stand before it, in this list and in that of
// each folder. `test/house` looks.
mod panic;
mod lock;
mod status;
mod stack;
mod signals;
mod wake;
mod caml;
mod values;
mod conversion;
mod arguments;
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
mod stats;
mod rust_to_lwt;
mod declarations;
mod lwt_to_rust;
pub mod domain_executor;
pub mod domain_pool;
mod shutdown;
mod exports;
mod assertions;

pub use arrays::{Lent, OwnedArray};
pub use conversion::declare::{Coming, Going, OCamlType, Type, Types};
pub use conversion::{FromOCaml, ToOCaml};
pub use domain_executor::{
    Handle, JoinHandle, handle, ocaml_runtime, run_blocking_in_ocaml, run_in_ocaml_domain, spawn,
    spawn_local, tokio_rt,
};
pub use domain_pool::{DomainPool, PoolCall};
pub use error::Error;
pub use exception::Exception;
pub use func::{OCamlAsyncFunc, OCamlFunc};
pub use ocaml_lwt_interop_macros::{Exception, FromOCaml, ToOCaml, func};
pub use promise::{Promise, PromiseFuture, Resolver};
pub use registered::OCamlException;
pub use stats::Stats;
pub use stream::{LwtStream, RustStream, SendRustStream};
pub use values::{ByteBuf, Nativeint, OCamlList, OCamlValue};

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
    pub use crate::lwt_to_rust::func::{CallFuture, OCamlAsyncFunc, OCamlFunc, ValueFuture};
    pub use crate::lwt_to_rust::guest::BlockingFuture;
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
    pub use crate::caml::Raw;
    pub use crate::conversion::{FromOCaml, ToOCaml, build, declare, float, read, shape};
    pub use crate::declarations::{
        Declaration, DeclaredException, Described, Function, FunctionArgument, Known, Label,
        Returned, ReturnedError, ReturnedOCamlError, ReturnedValue, Unknown,
    };
    pub use crate::rust_to_lwt::argument::{
        Argument, ArgumentError, Arguments, Cancel, ConvertArgument, ConvertString, Signature,
    };
    pub use crate::rust_to_lwt::at_once::call_at_once;
    pub use crate::rust_to_lwt::elsewhere::{
        argument_is_send, rust_to_lwt_on_blocking_pool, rust_to_lwt_on_workers,
    };
    pub use crate::rust_to_lwt::output::{
        EndingOfError, EndingOfOCamlError, EndingOfValue, Outcome, Output,
    };
    pub use crate::rust_to_lwt::stream::{StreamOf, StreamOfResults, StreamOfValues};
    pub use crate::rust_to_lwt::stub::{rust_to_lwt, rust_to_lwt_stream};
    pub use ocaml::{FromValue, Runtime, ToValue, Value};
}
