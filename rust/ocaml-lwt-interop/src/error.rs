//! [`Error`]: how an asynchronous computation fails. It may be on any thread.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::caml::lock::{Refused, with_access};
use crate::caml::{Typed, types};
use crate::chain::{self, Opaque};
use crate::exception::{Exception, NoException};
use crate::home::{AtHome, Scope};
use crate::panic::Panic;
use crate::stack::Overflow;

/// An error that crosses between OCaml and Rust.
///
/// - Made from any `std::error::Error` by `?`; OCaml sees [`Rust_async.Rust_error`] with the chain of messages.
///   A library's error that has wrapped one of the following is that one, see [below](#wrapped-errors).
/// - An OCaml exception that Rust received ([`Error::exception`]); OCaml gets that same exception back (`==`).
/// - A panic that was caught ([`Error::panic_message`]); OCaml sees `Rust_async.Rust_panic`.
/// - A promise that nobody can resolve any more ([`Error::is_broken_promise`]); OCaml sees
///   `Rust_async.Broken_promise`.
///
/// `Send` and `Sync`; dropped on any thread. Like `anyhow::Error` it does not implement `std::error::Error` itself,
/// which is what lets `?` convert every error type; [`Error::into_std`] gives one that does.
///
/// [`Rust_async.Rust_error`]: crate#endings
///
/// ```
/// use ocaml_lwt_interop::{Error, OCamlAsyncFunc};
///
/// /// `f ()` as text; `"none"` where it raises `Not_found`. Other exceptions pass through.
/// #[ocaml_lwt_interop::func]
/// pub async fn number_or_none(f: OCamlAsyncFunc<(), isize>) -> Result<String, Error> {
///     match f.call(()).await {
///         Ok(number) => Ok(number.to_string()),
///         Err(error) if error.is_exception("Not_found") => Ok("none".to_owned()),
///         Err(error) => Err(error),
///     }
/// }
/// ```
///
/// # Wrapped errors
///
/// A library calls back, gets the error of an OCaml function ([`Error::into_std`]), and returns it in an error of its own: the body
/// of a request has failed. In Rust that has the library's type, message and context ([`Error::downcast_ref`],
/// [`fmt::Display`], [`Error::chain`]). All the rest is that of the OCaml exception, panic, or broken promise which is somewhere among
/// its sources: what is asked ([`Error::exception`], [`Error::is_broken_promise`] …), and what OCaml gets, the same exception (`==`)
/// with its backtrace. Who wants OCaml to have the message instead returns `Error::msg(error)`.
///
/// It is found through `source()`, also where wrappers leave out what they hold, as `std::io::Error` does. It is not found
/// where a library has kept no more than the text. Of a chain, the first 1024 errors are looked at.
pub struct Error(Box<Repr>);

enum Repr {
    Rust(Box<dyn StdError + Send + Sync>),
    Exception(Exception),
    /// Becomes an exception when it crosses.
    Registered(Registered),
    Panic(Panic),
    Broken,
    /// What was done, why it cannot work, what to do instead.
    Misuse(String),
    /// A value that does not convert, or is out of range.
    InvalidArgument(String),
    /// There was no stack for it: OCaml's `Stack_overflow`.
    Overflow(Overflow),
}

impl Error {
    fn new(repr: Repr) -> Error {
        Error(Box::new(repr))
    }

    /// An error with just a message.
    pub fn msg(message: impl fmt::Display) -> Error {
        Error::new(Repr::Rust(message.to_string().into()))
    }

    /// A promise that nobody can resolve any more: OCaml's `Rust_async.Broken_promise`.
    pub fn broken_promise() -> Error {
        Error::new(Repr::Broken)
    }

    pub(crate) fn from_exception(exception: Exception) -> Error {
        Error::new(Repr::Exception(exception))
    }

    pub(crate) fn of_registered(registered: Registered) -> Error {
        Error::new(Repr::Registered(registered))
    }

    pub(crate) fn from_panic(panic: Panic) -> Error {
        Error::new(Repr::Panic(panic))
    }

    pub(crate) fn misuse(message: impl Into<String>) -> Error {
        Error::new(Repr::Misuse(message.into()))
    }

    pub(crate) fn invalid_argument(message: impl Into<String>) -> Error {
        Error::new(Repr::InvalidArgument(message.into()))
    }

    /// This error, or the one of ours that it has wrapped. Calls `source` of the wrappers.
    fn origin(&self) -> &Error {
        match &*self.0 {
            Repr::Rust(error) => chain::origin(&**error).unwrap_or(self),
            _ => self,
        }
    }

    /// The OCaml exception, if it is one, or has [wrapped](Error#wrapped-errors) one. An exception that was
    /// [registered](Error::registered) on a thread that runs no OCaml is none before it has crossed.
    pub fn exception(&self) -> Option<&Exception> {
        match &*self.origin().0 {
            Repr::Exception(exception) => Some(exception),
            Repr::Registered(registered) => registered.made()?.exception(),
            _ => None,
        }
    }

    /// Whether it is an OCaml exception of this name, as OCaml prints it: `"Not_found"`, `"Unix.Unix_error"`,
    /// `"Lwt.Resolution_loop.Canceled"` (see [`Error::is_canceled`]). The bridge's own refusal to go deeper into the stack is
    /// `"Stack_overflow"`.
    pub fn is_exception(&self, name: &str) -> bool {
        match &*self.origin().0 {
            Repr::Overflow(_) => name == "Stack_overflow",
            _ => self
                .exception()
                .is_some_and(|exception| exception.name() == name),
        }
    }

    /// Whether it is `Lwt.Canceled`.
    pub fn is_canceled(&self) -> bool {
        // Lwt defines it in a submodule whose name the exception carries, and which is not promised to stay.
        self.exception().is_some_and(|exception| {
            exception.name().starts_with("Lwt.") && exception.name().ends_with("Canceled")
        })
    }

    /// Whether it is a broken promise: the resolver was dropped, OCaml collected the promise unresolved, or the executor
    /// shut down. That may have been on either side of the bridge.
    pub fn is_broken_promise(&self) -> bool {
        matches!(&*self.origin().0, Repr::Broken) || self.is_exception("Rust_async.Broken_promise")
    }

    /// The message of a panic that was caught on this side of the bridge.
    pub fn panic_message(&self) -> Option<&str> {
        match &*self.origin().0 {
            Repr::Panic(panic) => Some(&panic.message),
            _ => None,
        }
    }

    /// Whether OCaml sees [`Rust_async.Rust_error`](crate#endings): the error was made from a Rust error or a message, and has
    /// [wrapped](Error#wrapped-errors) nothing else. For who makes another exception of a library's errors, and lets OCaml's own
    /// pass.
    pub fn is_rust_error(&self) -> bool {
        matches!(&*self.origin().0, Repr::Rust(_))
    }

    /// The Rust error, if it was made from an `E`, whatever that has wrapped.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        match &*self.0 {
            Repr::Rust(error) => error.downcast_ref(),
            _ => None,
        }
    }

    /// The messages of the error and of its sources, outermost first; never empty.
    pub fn chain(&self) -> Vec<String> {
        match &*self.0 {
            Repr::Rust(error) => chain::messages::<Error>(&**error),
            _ => vec![self.to_string()],
        }
    }

    /// Converts to a `std::error::Error`, for functions that ask for one. `?` and [`Error::from_std`] are the ways back.
    ///
    /// Unless the error is a Rust error, the box has a source, by which these find it. Who prints all sources has a line more: "it came
    /// through ocaml-lwt-interop".
    pub fn into_std(self) -> Box<dyn StdError + Send + Sync> {
        match *self.0 {
            Repr::Rust(error) => error,
            repr => Box::new(Opaque::new(Error::new(repr))),
        }
    }

    /// Converts from a boxed error, for which `?` does not work. If [`Error::into_std`] made the box, the error comes back
    /// as it was: the same OCaml exception, panic, or broken promise.
    ///
    /// If a library has [wrapped](Error#wrapped-errors) the box once more, as anyhow does, OCaml still gets what is inside.
    pub fn from_std(error: Box<dyn StdError + Send + Sync>) -> Error {
        match error.downcast::<Opaque<Error>>() {
            Ok(opaque) => opaque.into_inner(),
            Err(error) => Error::new(Repr::Rust(error)),
        }
    }

    /// What the error becomes in OCaml; read by `errors_to_ocaml.rs`.
    pub(crate) fn kind(&self) -> Kind<'_> {
        match &*self.origin().0 {
            Repr::Rust(_) => Kind::Rust,
            Repr::Exception(exception) => Kind::Exception(exception),
            Repr::Registered(registered) => Kind::Registered(registered),
            Repr::Panic(panic) => Kind::Panic(panic),
            Repr::Broken => Kind::Broken,
            Repr::Misuse(message) => Kind::Misuse(message),
            Repr::InvalidArgument(message) => Kind::InvalidArgument(message),
            Repr::Overflow(_) => Kind::Overflow,
        }
    }
}

/// The OCaml exception that an error becomes.
pub(crate) enum Kind<'a> {
    /// `Rust_async.Rust_error`
    Rust,
    /// That same exception.
    Exception(&'a Exception),
    /// One that is to be made.
    Registered(&'a Registered),
    /// `Rust_async.Rust_panic`
    Panic(&'a Panic),
    /// `Rust_async.Broken_promise`
    Broken,
    /// `Rust_async.Misuse`
    Misuse(&'a str),
    /// `Invalid_argument`
    InvalidArgument(&'a str),
    /// `Stack_overflow`
    Overflow,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Repr::Rust(error) => error.fmt(f),
            Repr::Exception(exception) => exception.fmt(f),
            Repr::Registered(registered) => match registered.made() {
                Some(made) => made.fmt(f),
                None => write!(f, "OCaml's exception {:?}", registered.name()),
            },
            Repr::Panic(panic) => write!(f, "panicked at {}: {}", panic.location, panic.message),
            Repr::Broken => f.write_str("the promise can no longer be resolved"),
            Repr::Misuse(message) | Repr::InvalidArgument(message) => f.write_str(message),
            Repr::Overflow(overflow) => write!(f, "stack overflow: {overflow}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?})", self.chain())
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Error {
        Error::from_std(Box::new(error))
    }
}

/// What a `main` returns that does not use this type: by `?`, as [`Error::into_std`] does it.
impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        error.into_std()
    }
}

/// As above.
impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        error.into_std()
    }
}

impl From<Overflow> for Error {
    fn from(overflow: Overflow) -> Error {
        Error::new(Repr::Overflow(overflow))
    }
}

impl Error {
    /// The error with this OCaml exception, one that ocaml-rs gave, for example. Call it on the domain thread, in a
    /// `#[func]` or a task. Otherwise, and for a value that is no exception, the error says so: `Rust_async.Misuse`.
    pub fn from_exception_value(exception: ocaml::Value) -> Error {
        let captured = with_access(|access| {
            let at = AtHome::here().ok_or(Refused::NoLock)?;
            Ok(Error::captured(&Scope::enter(access, at), &exception))
        });
        captured.and_then(|made| made).unwrap_or_else(|refused| {
            Error::misuse(format!("Error::from_exception_value was called {refused}"))
        })
    }

    /// As [`Exception::capture`].
    pub(crate) fn captured(scope: &Scope, exception: &ocaml::Value) -> Error {
        Exception::capture(scope, exception).map_or_else(Error::from, Error::from_exception)
    }

    /// As [`Exception::of_raised`].
    pub(crate) fn of_raised(scope: &Scope, exception: &Typed<types::Exception>) -> Error {
        let captured = Exception::of_raised(scope, exception).ok_or(NoException);
        captured.map_or_else(Error::from, Error::from_exception)
    }
}

impl From<NoException> for Error {
    #[cold]
    fn from(_: NoException) -> Error {
        Error::misuse(
            "a value was given for an OCaml exception, and is none: a value of type exn has to be what was raised, what a promise \
         was rejected with, or what is given to Error::from_exception_value",
        )
    }
}

/// An exception that OCaml has registered, see `registered.rs`: it is to be made at home.
pub(crate) struct Registered {
    name: String,
    /// Taken when the error first crosses. Never called or dropped under the lock.
    make: Mutex<Option<Box<Make>>>,
    made: OnceLock<Error>,
}

type Make = dyn FnOnce(&Scope) -> Error + Send;

impl Registered {
    /// `make` makes it.
    pub(crate) fn new(name: &str, make: impl FnOnce(&Scope) -> Error + Send + 'static) -> Self {
        Registered {
            name: name.to_owned(),
            make: Mutex::new(Some(Box::new(make))),
            made: OnceLock::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What was made of it, once it has crossed.
    pub(crate) fn made(&self) -> Option<&Error> {
        self.made.get()
    }

    /// What it becomes in OCaml, made now if need be. Runs the conversions of the arguments, and OCaml code; may collect.
    /// `None`: it is being made, further down the stack or on another domain.
    pub(crate) fn make(&self, scope: &Scope) -> Option<&Error> {
        let make = self
            .make
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(make) = make {
            // Set once, since `make` was taken once.
            let _ = self.made.set(make(scope));
        }
        self.made.get()
    }
}
