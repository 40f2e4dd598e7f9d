//! The attribute `#[ocaml_lwt_interop::func]`, and derives for the types that cross. Use them through the crate
//! `ocaml-lwt-interop`: what they generate calls that crate.
//!
//! Somebody writes an async function:
//!
//! ```
//! # use ocaml_lwt_interop::Error;
//! #[ocaml_lwt_interop::func]
//! pub async fn greet(name: String) -> Result<String, Error> {
//!     Ok(format!("hello {name}"))
//! }
//! ```
//!
//! and OCaml declares it as the Lwt function that it is:
//!
//! ```ocaml
//! external greet : string -> string Lwt.t = "my_crate__greet"
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
//! 6. `methods` does that for each function of an `impl`; `func` for what the attribute is on; `object` for the type.
//! 7. `derive` writes what `#[derive(ToOCaml)]` and `#[derive(FromOCaml)]` stand for.
//!
//! The function itself stays what it was, an async Rust function that Rust code can call: what is generated
//! stands next to it.

// From the ground. A module imports only from modules that stand before it. `test/house` checks that.
mod messages;
mod symbol;
mod stream;
mod parse;
mod generated;
mod check;
mod declare;
mod expand;
mod methods;
mod func;
mod object;
mod interface;
mod derive;

use proc_macro::TokenStream;

/// Makes an async Rust function callable from OCaml, where it returns an Lwt promise.
///
/// ```
/// # use ocaml_lwt_interop::{Error, OCamlAsyncFunc};
/// #[ocaml_lwt_interop::func]
/// pub async fn greet_and_tell(name: String, on_done: OCamlAsyncFunc<(String,), ()>) -> Result<String, Error> {
///     on_done.call((name.clone(),)).await?;
///     Ok(format!("hello {name}"))
/// }
/// ```
/// ```ocaml
/// external greet_and_tell : string -> (string -> unit Lwt.t) -> string Lwt.t = "my_crate__greet_and_tell"
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
///   ```
///   #[ocaml_lwt_interop::func]
///   pub async fn six(a: isize, b: isize, c: isize, d: isize, e: isize, f: isize) -> isize {
///       a + b + c + d + e + f
///   }
///   ```
///   ```ocaml
///   external six : int -> int -> int -> int -> int -> int -> int Lwt.t
///     = "my_crate__six_bytecode" "my_crate__six"
///   ```
///
/// The body begins to run inside the call, as a Lwt function does. It runs on the thread of the OCaml domain that called it, so it
/// may hold what is not `Send` across `.await`. Two options move it to other threads.
///
/// # Options
///
/// | option | what it does | without it |
/// |---|---|---|
/// | `name = "symbol"` | sets the symbol, the string after `=` in OCaml's `external` | `CRATE__FUNCTION` |
/// | `cancel = "drop"` | `Lwt.cancel` on the promise drops the future, destructors and all | this is the default |
/// | `cancel = "detach"` | the future runs on after its promise was cancelled, and its result goes nowhere | |
/// | `tokio` | the body is a future that runs on Tokio's workers | it runs on the domain thread |
/// | `blocking` | the body is a call that runs on Tokio's blocking pool | it runs on the domain thread |
/// | `sync` | OCaml gets the value at once, and no promise | it gets a promise |
/// | `window = 64` | how many items of a stream are read ahead of OCaml, and cross at once | 16 |
///
/// Options combine: `#[func(tokio, name = "mylib_store", cancel = "detach")]`. A symbol is global to the whole program,
/// with everything that is linked into it. That is why the crate's name stands in front.
///
/// # Work that is not for the domain thread
///
/// While the body of a function computes, Lwt waits. Two options move the body to Tokio's threads. Only the conversions of arguments
/// and result happen on the domain thread then. For OCaml it is a function like any other:
///
/// ```
/// # use ocaml_lwt_interop::{ByteBuf, Error};
/// # use std::time::Duration;
/// #[ocaml_lwt_interop::func(tokio)]
/// pub async fn fetch(url: String) -> Result<String, Error> {
///     tokio::time::sleep(Duration::from_millis(1)).await; // as long as a network takes
///     Ok(format!("the page {url}"))
/// }
///
/// #[ocaml_lwt_interop::func(blocking)]
/// pub fn compress(bytes: ByteBuf, level: usize) -> Result<ByteBuf, Error> {
///     Ok(bytes.iter().copied().step_by(level + 1).collect::<Vec<u8>>().into()) // with some loss
/// }
/// ```
/// ```ocaml
/// external fetch : string -> string Lwt.t = "my_crate__fetch"
/// external compress : bytes -> int -> bytes Lwt.t = "my_crate__compress"
/// ```
///
/// - `tokio`: the future runs on Tokio's workers, as with `tokio::spawn`. It is not polled inside the call. It has to be `Send`, so
///   it holds nothing across `.await` that is not.
/// - `blocking`: a plain `fn`, which may block, runs on Tokio's blocking pool (`spawn_blocking`). For Rust it stays a plain
///   function; an `async fn` is refused.
/// - The call always gives a pending promise. It ends as that of any other function does, panics included.
/// - Arguments and the result are `Send`, or the compiler names the one that is not. Handles of OCaml functions, promises
///   and values are; an `ocaml::Value` is not. An `ocaml::Error` may be returned, but not one that holds an OCaml value:
///   the promise is then rejected with `Rust_async.Misuse`.
/// - `Lwt.cancel` drops the future of a `tokio` function, destructors and all, on a worker: at once if it waits, or else at its next
///   `.await`. A `blocking` call cannot be stopped, so the option `cancel` is not for it. It runs to its end, and its value is
///   dropped. One that has not begun never begins.
/// - While the body runs, `domain_executor::handle()` is the executor that it was called from.
///
/// # Functions without a promise
///
/// `#[func(sync)]` is for a plain `fn` that has its value at once:
///
/// ```
/// # use ocaml_lwt_interop::{ByteBuf, Error};
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn checksum(bytes: ByteBuf) -> Result<isize, Error> {
///     if bytes.is_empty() {
///         return Err(Error::msg("there is nothing to sum up"));
///     }
///     Ok(bytes.iter().map(|byte| isize::from(*byte)).sum())
/// }
/// ```
/// ```ocaml
/// external checksum : bytes -> int = "my_crate__checksum"
/// ```
///
/// An error or a panic is raised by the call, as the exception that a promise would be rejected with. Everything of this crate works
/// in it: handles, `ocaml_runtime()`, spawning. (It does not in an ocaml-rs function, `#[ocaml::func]`: this crate was not called
/// there, and cannot know whether OCaml may be touched.)
///
/// Every thread of OCaml's may call it: one of `Thread`, of `Lwt_preemptive.detach`, another domain. What belongs to Lwt's thread (a
/// handle of a function, a promise, an object that stays at home) is refused there as an argument. The program's first call of all
/// comes from Lwt's thread.
///
/// # Streams
///
/// A function that returns `impl Stream` gives an `'a Lwt_stream.t`. (The macro goes by the name `Stream`, and other bounds may stand
/// beside it.)
///
/// - A plain `fn` gives the stream at once. Its body is not taken as async. If it panics, the call raises `Rust_async.Rust_panic`.
/// - An `async fn`, and a function that returns `Result<impl Stream, E>`, give the stream in a promise.
///
/// ```
/// # use futures_lite::{Stream, stream};
/// # use ocaml_lwt_interop::{ByteBuf, Error};
/// #[ocaml_lwt_interop::func(window = 64)]
/// pub fn numbers(count: isize) -> impl Stream<Item = Result<isize, Error>> {
///     stream::iter((1..=count).map(Ok))
/// }
///
/// #[ocaml_lwt_interop::func]
/// pub async fn download(url: String) -> Result<impl Stream<Item = ByteBuf>, Error> {
///     Ok(stream::iter([ByteBuf::from("the page "), ByteBuf::from(url)]))
/// }
/// ```
/// ```ocaml
/// external numbers : int -> int Lwt_stream.t = "my_crate__numbers"
/// external download : string -> bytes Lwt_stream.t Lwt.t = "my_crate__download"
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
/// [`macro@object`]. In OCaml they are in a module of the type's name; their symbols have that name in front, `my_crate__pool_fetch`.
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
    func::expand(options.into(), item.into()).into()
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

/// Makes a trait an interface, which OCaml implements and Rust calls.
///
/// ```text
/// /// The rules of the chain.
/// #[ocaml_lwt_interop::interface]
/// pub trait Protocol {
///     /// Applies a block to the state.
///     async fn apply_block(&self, request: ApplyBlock) -> Result<Receipt, ProtocolError>;
///     fn version(&self) -> String;
/// }
/// ```
/// ```text
/// module Protocol : sig
///   type t = protocol = {
///     apply_block : apply_block -> (receipt, protocol_error) result Lwt.t;
///     version : unit -> string;
///   }
///   val provide : ?name:string -> t -> unit
/// end
/// ```
///
/// OCaml's program calls `Protocol.provide { apply_block; version }`. Rust's gets it with `host.get::<dyn Protocol>()`, or as an
/// argument `Provided<dyn Protocol>` of a `#[func]`.
///
/// # What becomes of the trait
///
/// It is one that `dyn` can be written before, and has `Send`, `Sync` and `'static`. An `async fn` returns
/// `ocaml_lwt_interop::interface::Call<R>`, a boxed future that is `Send`, and borrows nothing. So Rust can implement the trait as
/// well, for tests: `Box::pin(async move { … })`.
///
/// # Functions
///
/// - An `async fn` calls OCaml's function when its future is first polled, on any thread. Dropping the future cancels the promise.
/// - A plain `fn` blocks its thread until OCaml's thread has called the function, which is OCaml's next turn; at home it calls at once.
/// - Arguments are of types that are `ToOCaml`. `#[ocaml(label)]` and `#[ocaml(optional)]` are as for a `#[func]`.
/// - `Result<T, ocaml_lwt_interop::Error>` is a `T` in OCaml, and its exceptions are the errors. Any other `Result<T, E>` is OCaml's
///   `result`; its exceptions become an `E` by `From<ocaml_lwt_interop::Error>`, which `#[ocaml(rust_only)]` on a variant of `E` is for.
/// - What is no `Result` has no place for an exception: the call panics.
///
/// `#[interface(name = "…")]` gives it another name in OCaml.
#[proc_macro_attribute]
pub fn interface(options: TokenStream, item: TokenStream) -> TokenStream {
    interface::expand(options.into(), item.into()).into()
}

/// Makes a struct or an enum convert to an OCaml record, tuple or variant: implements `ToOCaml`, and `ocaml::ToValue`.
///
/// ```
/// # use ocaml_lwt_interop::{FromOCaml, ToOCaml};
/// #[derive(ToOCaml, FromOCaml)]
/// pub enum Shape { Unknown, Circle(f64), Rectangle { width: f64, height: f64 }, Named(String, Box<Shape>) }
///
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn named(name: String, shape: Shape) -> Shape {
///     Shape::Named(name, Box::new(shape))
/// }
/// ```
/// ```ocaml
/// type shape = Unknown | Circle of float | Rectangle of { width : float; height : float } | Named of string * shape
///
/// external named : string -> shape -> shape = "my_crate__named"
/// ```
///
/// Fields and constructors stand in the order of OCaml's. A value of up to 2 KiB, with all that it holds, is made in one allocation.
/// (ocaml-rs's derive takes an allocation and a GC root for each part.)
///
/// A struct is a record, one without names a tuple, or a variant's only constructor. `#[ocaml(unboxed)]` is OCaml's
/// `[@@unboxed]`; `#[ocaml(name = "colour")]` is the name in the declarations that are made from Rust, where it is otherwise the
/// Rust name in small letters. Any type that is `ToOCaml` may be a field, those too that only ocaml-rs converts, which costs a root for each
/// of them and for what is around it.
///
/// # Floats
///
/// A record of nothing but floats is flat in OCaml, so it is made flat. Its fields are `f64`, `f32`, or unboxed types around them
/// that have this derive. They are not of an abstract type, nor of a type that is a parameter of the record.
///
/// If all other fields are floats, a field may not be an `OCamlValue` that is a float, or a type that only ocaml-rs converts:
/// whether OCaml's record is flat cannot be known then, and the conversion panics.
///
/// A `Vec` of floats is flat. A `Vec` of `OCamlValue`s is flat if they are floats.
#[proc_macro_derive(ToOCaml, attributes(ocaml))]
pub fn to_ocaml(item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::DeriveInput);
    derive::derive(item, derive::Direction::ToOCaml).into()
}

/// Makes a struct or an enum convert from an OCaml record, tuple or variant: implements `FromOCaml`, and `ocaml::FromValue`. See
/// [`macro@ToOCaml`] for what is what; reading takes no GC root. Every field is of a type that is `FromOCaml`.
///
/// A variant with `#[ocaml(rust_only)]` is none of OCaml's type: Rust makes it, of an error say. Its fields may be of any type.
///
/// # Panics
/// The conversion panics on text that is not UTF-8 where a `String` stands, on a number that does not fit, and on a constructor that
/// the enum does not have. It panics when too little of the stack is left for a value that is nested deep. In an argument of a
/// `#[func]` the panic becomes OCaml's `Invalid_argument`.
#[proc_macro_derive(FromOCaml, attributes(ocaml))]
pub fn from_ocaml(item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::DeriveInput);
    derive::derive(item, derive::Direction::FromOCaml).into()
}

/// Declares an OCaml exception, for which Rust has a struct.
///
/// ```
/// # use ocaml_lwt_interop::{ByteBuf, Error, Exception};
/// /// The file is not there.
/// #[derive(Exception)]
/// pub struct Missing { path: ByteBuf, reason: String }
///
/// #[ocaml_lwt_interop::func]
/// pub async fn size_of_missing(path: ByteBuf) -> Result<isize, Error> {
///     Err(Missing { path, reason: "no such file".into() })?
/// }
/// ```
/// ```ocaml
/// exception Missing of { path : string; reason : string }
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
