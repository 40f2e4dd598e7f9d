//! The attribute `#[ocaml_lwt_interop::func]`, and derives for the types that cross. Use them through the crate
//! `ocaml-lwt-interop`: what they generate calls that crate.
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
//! 1. `messages` is the table of all that can be refused: what was written, why it cannot work, what to do instead.
//! 2. `parse` reads the options and the item.
//! 3. `check` reads the signature. A future outlives the call that made it, so nothing may enter it that is only
//!    borrowed from the OCaml heap; and OCaml calls one symbol, so nothing may need a type that the caller chooses.
//! 4. `expand` writes the symbol that OCaml calls.
//! 5. `declare` writes what OCaml's declaration is made from.
//! 6. `methods` does that for each function of an `impl`; `object` for the type.
//! 7. `derive` writes what `#[derive(ToOCaml)]` and `#[derive(FromOCaml)]` stand for.
//!
//! The function itself stays what it was, an async Rust function that Rust code can call: what is generated
//! stands next to it.

// From the ground: a module imports only from those that stand before it. `test/house` looks.
mod messages;
mod symbol;
mod stream;
mod parse;
mod generated;
mod check;
mod declare;
mod expand;
mod methods;
mod object;
mod derive;

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
/// A `pub fn` is accepted as well as a `pub async fn`: its body is taken as async (but for `blocking` and `sync`, below).
///
/// # Arguments and result
///
/// - Every argument is a name (`mut name` too) and a type that is `FromOCaml`: it owns what it has. A function
///   without arguments takes `unit` in OCaml.
/// - The result is `ToOCaml`, or a `Result` of one: the promise is fulfilled with the value, or rejected with the error.
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
/// | `sync` | OCaml gets the value at once, and no promise | it gets a promise |
/// | `window = 64` | how many items of a stream are read ahead of OCaml, and cross at once | 16 |
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
/// # Functions without a promise
///
/// `#[func(sync)]` is for a plain `fn` that has its value at once:
///
/// ```text
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn checksum(bytes: ByteBuf) -> Result<isize, Error> { … }
/// ```
/// ```text
/// external checksum : bytes -> int = "checksum"
/// ```
///
/// What the table of endings rejects a promise with is raised by the call: an error, a panic. Everything of this crate works in
/// it: handles, `ocaml_runtime()`, spawning. (In an ocaml-rs function, `#[ocaml::func]`, it does not: this crate was not called,
/// and cannot know whether OCaml may be touched.) Like any other it is called where Lwt runs, or on a worker domain.
///
/// # Streams
///
/// A function that returns `impl Stream` (of futures; the macro goes by the name, and other bounds may stand beside it) gives
/// an `'a Lwt_stream.t`. A plain `fn` gives it at once, its body is not taken as async, and if it panics the call raises
/// `Rust_async.Rust_panic`. An `async fn`, and a function that returns `Result<impl Stream, E>`, give it in a promise.
///
/// ```text
/// #[ocaml_lwt_interop::func(window = 64)]
/// pub fn lines(path: String) -> impl Stream<Item = Result<String, Error>> { … }
///
/// #[ocaml_lwt_interop::func]
/// pub async fn fetch(url: String) -> Result<impl Stream<Item = ByteBuf>, Error> { … }
/// ```
/// ```text
/// external lines : string -> string Lwt_stream.t = "lines"
/// external fetch : string -> bytes Lwt_stream.t Lwt.t = "fetch"
/// ```
///
/// With items that are a `Result<T, ocaml_lwt_interop::Error>`, an `Err` ends OCaml's stream with its exception. A stream is
/// polled on the domain thread, so it need not be `Send`; `tokio` and `blocking` are not for it, nor `cancel` where there is
/// no promise.
///
/// # Methods
///
/// On an `impl` block it is on each function that is `pub`, or has a `#[func]` of its own, whose options are its own:
/// `#[func(sync)]` on a method. Functions without `self` may be of any type. A method takes `&self`, of a type that has
/// [`macro@object`]. In OCaml they are in a module of the type's name; their symbols have that name in front, `pool_fetch`.
///
/// An argument `&T` of such a type is an object as well, in any `#[func]`.
///
/// A method that gives a stream says that the stream does not borrow from it: `-> impl Stream<Item = Row> + use<>`.
///
/// # Other attributes
///
/// Doc comments and attributes (`#[tracing::instrument]`, `#[allow(…)]`, `#[cfg(…)]`) stay on the function; `cfg`
/// holds for the symbol too.
///
/// # What is refused
///
/// Each with a message that says what to do instead: types that do not cross, such as borrowed arguments (`&str`, `&[u8]` and
/// all other references), `ocaml::Raw` and `ocaml::Pointer`, behind an alias too; generics, `impl Trait`, `self` that is not `&self` in an `impl`, `unsafe`, `const`, `extern`, arguments without a
/// name, symbols that belong to the C library or to OCaml, and options that do not go together.
#[proc_macro_attribute]
pub fn func(options: TokenStream, item: TokenStream) -> TokenStream {
    if let Some(block) = methods::block(&item.clone().into()) {
        return methods::expand(options.into(), block).into();
    }
    let mut errors = Errors::default();
    let options = parse::options(options.into(), &mut errors);
    let Some(function) = parse::function(item.clone().into(), &mut errors) else {
        // Not a function: it stays as it is, after the reason.
        let mut output: TokenStream = errors.report().unwrap_or_default().into();
        output.extend(item);
        return output;
    };
    let exported = check::function(&function, options, None, &mut errors);
    match errors.report() {
        None => expand::accepted(function, &exported).into(),
        Some(report) => expand::refused(function, &exported, report).into(),
    }
}

/// Makes the values of a struct or an enum objects for OCaml: those of an abstract type, with functions.
///
/// ```text
/// /// A pool of connections.
/// #[ocaml_lwt_interop::object]
/// pub struct Pool { … }
///
/// #[ocaml_lwt_interop::func]
/// impl Pool {
///     pub async fn connect(url: String) -> Result<Pool, Error> { … }
///     pub async fn fetch(&self, sql: String) -> Result<Vec<Row>, Error> { … }
/// }
/// ```
/// ```text
/// module Pool : sig
///   type t
///   val connect : string -> t Lwt.t
///   val fetch : t -> string -> row array Lwt.t
///   val close : t -> unit
/// end
/// ```
///
/// A `Pool` that a function returns becomes an object, also in an `Option`, a `Result`, a `Vec`. An argument `&Pool` is one, and so
/// is `&self`: the call has a counted reference to it for as long as it runs. Everywhere else an object is an
/// `ocaml_lwt_interop::Object<Pool>`, which `pool.into()` makes.
///
/// The object goes when OCaml has collected its value, or closed it, and no call runs with it. Its destructor may block: it runs on
/// Tokio's blocking pool, or on another thread without OCaml's lock where it was let go of last.
///
/// # Options
///
/// | option | what it does | without it |
/// |---|---|---|
/// | `drop = "home"` | the destructor runs on the domain thread, in a tick | on a thread that may block |
/// | `size = Pool::bytes` | a function of `&Pool` that says how many bytes it takes, or a number | the size of the type |
/// | `name = "…"` | the name of the module in OCaml | that of the type |
///
/// OCaml's collector is told the size when the object is given to OCaml, and collects the more often the more that is.
///
/// # A type that is not `Send` and `Sync`
///
/// Its objects stay on the domain thread: functions with `tokio` or `blocking` do not take them, and another domain is refused. A
/// type that is not `Send` has its destructor run there, too.
#[proc_macro_attribute]
pub fn object(options: TokenStream, item: TokenStream) -> TokenStream {
    object::expand(options.into(), item.into()).into()
}

/// Makes a struct or an enum convert to an OCaml record, tuple or variant: implements `ToOCaml`, and `ocaml::ToValue`.
///
/// ```text
/// #[derive(ToOCaml, FromOCaml)]
/// pub enum Shape { Unknown, Circle(f64), Rectangle { width: f64, height: f64 }, Named(String, Box<Shape>) }
/// ```
/// ```text
/// type shape = Unknown | Circle of float | Rectangle of { width : float; height : float } | Named of string * shape
/// ```
///
/// Fields and constructors stand in the order of OCaml's. A value that is small, up to 2 KiB with all that it holds, is made
/// in one allocation; ocaml-rs's derive takes an allocation and a GC root for each part.
///
/// A struct is a record, one without names a tuple, or a variant's only constructor. `#[ocaml(unboxed)]` is OCaml's
/// `[@@unboxed]`; `#[ocaml(name = "colour")]` is the name in the declarations that are made from Rust, where it is otherwise the
/// Rust name in small letters. Any type that is `ToOCaml` may be a field, those too that only ocaml-rs converts, which costs a root for each
/// of them and for what is around it.
///
/// # Floats
///
/// A record of nothing but floats is flat in OCaml, and so it is made here: its fields are `f64`, `f32`, or unboxed types
/// around them that have this derive; not of an abstract type, nor of a type that is a parameter of the record. If there is an
/// `OCamlValue` among them, or a type that only ocaml-rs converts, the record must hold something else than floats: whether
/// OCaml's is flat cannot be known then, and the conversion panics. A `Vec` of what is a float is flat, one of `OCamlValue`s
/// too if they are floats.
#[proc_macro_derive(ToOCaml, attributes(ocaml))]
pub fn to_ocaml(item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::DeriveInput);
    derive::derive(item, derive::Direction::ToOCaml).into()
}

/// Makes a struct or an enum convert from an OCaml record, tuple or variant: implements `FromOCaml`, and `ocaml::FromValue`. See
/// [`macro@ToOCaml`] for what is what; reading takes no GC root. Every field is of a type that is `FromOCaml`.
///
/// # Panics
/// The conversion panics on text that is not UTF-8 where a `String` stands, on a number that does not fit, on a constructor that
/// the enum does not have, and when too little of the stack is left for a value that is nested deep; in an argument of a
/// `#[func]` that becomes OCaml's `Invalid_argument`.
#[proc_macro_derive(FromOCaml, attributes(ocaml))]
pub fn from_ocaml(item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::DeriveInput);
    derive::derive(item, derive::Direction::FromOCaml).into()
}

/// Declares an exception of OCaml's, for which Rust has a struct.
///
/// ```text
/// /// The file cannot be read.
/// #[derive(Exception)]
/// pub struct Unreadable { path: ByteBuf, reason: String }
///
/// #[ocaml_lwt_interop::func]
/// pub async fn size(path: ByteBuf) -> Result<isize, Error> {
///     Err(Unreadable { path, reason: "no such file".into() })?
/// }
/// ```
/// ```text
/// exception Unreadable of { path : string; reason : string }
/// ```
///
/// The struct becomes an `ocaml_lwt_interop::Error` by `?` or `into`, on any thread, which OCaml gets as that exception.
/// `Exception::get` gives it back from one that OCaml raised. The declarations that are made from Rust have the exception; without
/// them OCaml gets `Rust_async.Misuse`, which says so.
///
/// Every field is `FromOCaml`, `ToOCaml` and `Send`. A struct without names is an exception with arguments, one without fields an
/// exception without. `#[ocaml(name = "…")]` gives it another name, or a field.
#[proc_macro_derive(Exception, attributes(ocaml))]
pub fn exception(item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::DeriveInput);
    derive::exception::derive(item).into()
}
