//! The attribute `#[ocaml_lwt_interop::func]`. Use it through the crate `ocaml-lwt-interop`: what it generates
//! calls that crate.
//!
//! Somebody writes an async function:
//!
//! ```text
//! #[ocaml_lwt_interop::func]
//! pub async fn greet(name: String) -> Result<String, Error> { … }
//! ```
//!
//! and OCaml declares it as the Lwt function that it is:
//!
//! ```text
//! external greet : string -> string Lwt.t = "greet"
//! ```
//!
//! What stands in between is made here, in the order of the modules:
//!
//! 1. `parse` reads the options and the item.
//! 2. `check` reads the signature. A future outlives the call that made it, so nothing may enter it that is only
//!    borrowed from the OCaml heap; and OCaml calls one symbol, so nothing may need a type that the caller chooses.
//! 3. `messages` is the table of all that can be refused: what was written, why it cannot work, what to do instead.
//! 4. `expand` writes the symbol that OCaml calls.
//!
//! The function itself stays what it was, an async Rust function that Rust code can call: what is generated
//! stands next to it.

mod check;
mod expand;
mod messages;
mod parse;
mod symbol;

use messages::Errors;
use proc_macro::TokenStream;

/// Makes an async Rust function callable from OCaml, where it returns an Lwt promise.
///
/// ```text
/// #[ocaml_lwt_interop::func]
/// pub async fn greet(name: String, on_done: OCamlAsyncFunc<(String,), ()>) -> Result<String, Error> {
///     on_done.call((name.clone(),)).await?;
///     Ok(format!("hello {name}"))
/// }
/// ```
/// ```text
/// external greet : string -> (string -> unit Lwt.t) -> string Lwt.t = "greet"
/// ```
///
/// A `pub fn` is accepted as well as a `pub async fn`: its body is taken as async (but for `blocking`, below).
///
/// # Arguments and result
///
/// - Every argument is a name (`mut name` too) and an owned type that implements `ocaml::FromValue`. A function
///   without arguments takes `unit` in OCaml.
/// - The result implements `ocaml::ToValue`, or is a `Result` of one: the promise is fulfilled with the value, or
///   rejected with the error.
/// - With more than five arguments, the symbol for bytecode programs is made too. It has the same name and
///   `_bytecode` behind it, and OCaml wants both:
///
///   ```text
///   external six : int -> int -> int -> int -> int -> int -> int Lwt.t = "six_bytecode" "six"
///   ```
///
/// The body begins to run inside the call, as a Lwt function does, and runs on the thread of the OCaml domain
/// that called it; so it may hold what is not `Send` across `.await`. Two options take it elsewhere.
///
/// # Options
///
/// | option | what it does | without it |
/// |---|---|---|
/// | `name = "symbol"` | sets the symbol, the string after `=` in OCaml's `external` | the function's own name |
/// | `cancel = "drop"` | `Lwt.cancel` on the promise drops the future, destructors and all | this is the default |
/// | `cancel = "detach"` | the future runs on after its promise was cancelled, and its result goes nowhere | |
/// | `tokio` | the body is a future that runs on Tokio's workers | it runs on the domain thread |
/// | `blocking` | the body is a call that runs on Tokio's blocking pool | it runs on the domain thread |
///
/// Options combine: `#[func(tokio, name = "mylib_store", cancel = "detach")]`. A symbol is global to the whole program,
/// with everything that is linked into it, so a library does well to put its own name in front.
///
/// # Work that is not for the domain thread
///
/// While the body of a function computes, Lwt waits. Two options take it elsewhere; only the conversions of arguments and
/// result happen on the domain thread, and for OCaml it is a function like any other:
///
/// ```text
/// #[ocaml_lwt_interop::func(tokio)]
/// pub async fn fetch(url: String) -> Result<String, Error> { … }
///
/// #[ocaml_lwt_interop::func(blocking)]
/// pub fn compress(bytes: ByteBuf, level: isize) -> Result<ByteBuf, Error> { … }
/// ```
/// ```text
/// external fetch : string -> string Lwt.t = "fetch"
/// external compress : bytes -> int -> bytes Lwt.t = "compress"
/// ```
///
/// - `tokio`: the future runs on Tokio's workers, as one that was given to `tokio::spawn`, and is not polled inside the
///   call. It is `Send`, so it holds nothing across `.await` that is not.
/// - `blocking`: a plain `fn`, which may block, runs on Tokio's blocking pool (`spawn_blocking`). For Rust it stays a plain
///   function; an `async fn` is refused.
/// - The call always gives a pending promise. It ends as that of any other function does, panics included.
/// - Arguments and the result are `Send`, or the compiler names the one that is not. Handles of OCaml functions, promises
///   and values are; an `ocaml::Value` is not. An `ocaml::Error` may be returned, but not one that holds an OCaml value:
///   the promise is then rejected with `Rust_async.Misuse`.
/// - `Lwt.cancel` drops the future of a `tokio` function, destructors and all, on a worker: at once if it waits, else at
///   its next `.await`. A `blocking` call cannot be stopped, so `cancel` is not for it: it runs to its end, which nobody
///   hears of, unless it had not begun, and then never does.
/// - While the body runs, `domain_executor::handle()` is the executor that it was called from.
///
/// # Other attributes
///
/// Doc comments and attributes (`#[tracing::instrument]`, `#[allow(…)]`, `#[cfg(…)]`) stay on the function; `cfg`
/// holds for the symbol too.
///
/// # What is refused
///
/// Each with a message that says what to do instead: borrowed arguments (`&str`, `&[u8]` and all other
/// references), `ocaml::Raw`, generics, `impl Trait`, `self`, `unsafe`, `const`, `extern`, arguments without a
/// name, symbols that belong to the C library or to OCaml, and options that do not go together.
#[proc_macro_attribute]
pub fn func(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = parse::options(options.into(), &mut errors);
    let Some(function) = parse::function(item.clone().into(), &mut errors) else {
        // Not a function: it stays as it is, after the reason.
        let mut output: TokenStream = errors.report().unwrap_or_default().into();
        output.extend(item);
        return output;
    };
    let exported = check::function(&function, options, &mut errors);
    match errors.report() {
        None => expand::accepted(function, &exported).into(),
        Some(report) => expand::refused(function, exported.runs, report).into(),
    }
}
