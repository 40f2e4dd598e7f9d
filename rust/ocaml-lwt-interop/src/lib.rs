//! A bridge between OCaml's Lwt promises and Rust's futures.
//!
//! See the repository's README for a whole project.

mod caml;
pub mod domain_executor;
mod ending;
mod error;
mod exception;
mod executor;
mod exports;
mod lwt_to_rust;
mod panic;
mod rust_to_lwt;
mod stats;
mod tokio_runtime;
mod values;
mod wake;

pub use domain_executor::{
    Handle, JoinHandle, handle, ocaml_runtime, run_in_ocaml_domain, spawn, spawn_local, tokio_rt,
};
pub use error::Error;
pub use exception::Exception;
pub use func::{OCamlAsyncFunc, OCamlFunc};
pub use ocaml_lwt_interop_macros::func;
pub use promise::{Promise, PromiseFuture, Resolver};
pub use stats::Stats;
pub use values::{ByteBuf, Nativeint, OCamlValue};

/// Lwt promises in Rust: [`Promise`](promise::Promise), which Rust awaits, and
/// [`Resolver`](promise::Resolver), with which Rust settles one.
pub mod promise {
    pub use crate::lwt_to_rust::promise::{Promise, PromiseFuture};
    pub use crate::lwt_to_rust::resolver::Resolver;
}

/// OCaml functions in Rust.
pub mod func {
    pub use crate::lwt_to_rust::arguments::IntoArguments;
    pub use crate::lwt_to_rust::func::{CallFuture, OCamlAsyncFunc, OCamlFunc};
}

/// What the expansion of [`macro@func`] names. Not for anybody else: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::caml::Raw;
    pub use crate::rust_to_lwt::argument::{
        Argument, ArgumentError, Arguments, Cancel, ConvertArgument, ConvertString, Signature,
    };
    pub use crate::rust_to_lwt::output::{
        EndingOfError, EndingOfOCamlError, EndingOfValue, Outcome, Output,
    };
    pub use crate::rust_to_lwt::stub::rust_to_lwt;
}
