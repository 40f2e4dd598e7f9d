//! OCaml exceptions as Rust sees them, and Rust's errors as OCaml exceptions.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use crate::caml::{self, Callback, Raw, Root};
use crate::conversion::{FromOCaml, read};
use crate::error::{Error, Kind};
use crate::home::{AtHome, Home, Scope};
use crate::panic::{Panic, catch_quietly};
use crate::registered;
use crate::storage::Storage;

/// An OCaml exception that Rust received, kept alive so that it can be sent back as that same exception.
///
/// `Send`, `Sync` and cheap to clone; [`Exception::name`] and the message ([`fmt::Display`]) can be read on any thread,
/// the value itself at home.
#[derive(Clone)]
pub struct Exception(Arc<Inner>);

struct Inner {
    value: Root,
    /// `Printexc.raw_backtrace option`, as OCaml had it when the exception arrived.
    backtrace: Root,
    name: String,
    message: String,
}

impl Exception {
    /// An error for a value that is no exception: some OCaml code, or Rust code with an OCaml value, has passed it off for one.
    ///
    /// # Safety
    /// `exception` is a live value. Runs OCaml code (registered printers), may collect.
    pub(crate) unsafe fn capture(scope: &Scope, exception: Raw) -> Result<Exception, Error> {
        // SAFETY: a scope holds the lock; the exception is live
        unsafe {
            Self::described(exception, |value| {
                scope
                    .home()
                    .call_until_done(scope, Callback::Describe, || [value.get()])
            })
        }
    }

    /// An exception that OCaml code has described, on whichever of OCaml's threads.
    ///
    /// # Safety
    /// The lock is held; the exception is live, and `described` what `Describe` gives. Does not allocate on the OCaml heap.
    pub(crate) unsafe fn already_described(
        exception: Raw,
        described: Raw,
    ) -> Result<Exception, Error> {
        // SAFETY: as the caller's; rooting allocates nothing of OCaml's, so both are live until they are read
        unsafe { Self::described(exception, |_| Ok(described)) }
    }

    /// # Safety
    /// The lock is held; the value is live; `describe` calls `Describe` and does nothing with its result.
    unsafe fn described(
        exception: Raw,
        describe: impl FnOnce(&Root) -> Result<Raw, Raw>,
    ) -> Result<Exception, Error> {
        // SAFETY: the lock is held; rooted before anything can allocate
        let value = unsafe { Root::new(exception) };
        // SAFETY: the lock is held; live
        let name = unsafe { name_of(exception) }.ok_or_else(no_exception)?;
        // SAFETY: an exception is a live argument for `Describe`, which gives a pair of a string and an option; both
        // are read before anything else can allocate
        unsafe {
            let (message, backtrace) = match describe(&value) {
                Ok(pair) => {
                    let message = caml::string_bytes(caml::field(pair, 0));
                    (
                        String::from_utf8_lossy(&message).into_owned(),
                        Root::new(caml::field(pair, 1)),
                    )
                }
                Err(_) => (name.clone(), Root::Immediate(Raw(ocaml::sys::NONE))),
            };
            Ok(Exception(Arc::new(Inner {
                value,
                backtrace,
                name,
                message,
            })))
        }
    }

    /// The name that OCaml prints, with its module path: `Not_found`, `Stdlib.Exit`, `Unix.Unix_error`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The exception value, to take its arguments apart.
    ///
    /// # Panics
    /// Where [`ocaml_runtime`](crate::ocaml_runtime) does. (ocaml-rs's `Runtime` can be passed to other threads.)
    pub fn value(&self, _runtime: &ocaml::Runtime) -> ocaml::Value {
        caml::lock::demand("an OCaml exception was taken apart");
        // SAFETY: the lock is held
        unsafe { caml::protect(self.0.value.get()) }
    }

    /// The argument `i` of the exception, converted; `None` when it has no such argument, or one that is of another type, as far
    /// as a value shows its type: of records and variants all fields are looked at, of functions the arguments cannot be. A type
    /// with a conversion of its own cannot be looked for: take an `OCamlValue`.
    ///
    /// # Panics
    /// When it cannot be converted: a string that is not UTF-8 as a `String`, a number that is too large.
    pub fn argument<T: FromOCaml>(&self, runtime: &ocaml::Runtime, i: usize) -> Option<T> {
        let exception = self.value(runtime);
        // SAFETY: rooted, and the lock is held; it was an exception when it was captured. The arguments stand behind the
        // constructor; nothing declares their types.
        let argument = unsafe {
            if i >= caml::exception_arguments(exception.raw()) {
                return None;
            }
            let argument = caml::field(exception.raw(), i + 1);
            T::has_shape(argument).then(|| caml::protect(argument))?
        };
        Some(read::convert(argument))
    }
}

/// Its name, if it is an exception.
///
/// # Safety
/// The value is live and the runtime lock is held. No allocation on the OCaml heap.
unsafe fn name_of(exception: Raw) -> Option<String> {
    // SAFETY: as the caller's; a constructor has its name in field 0
    let name = unsafe {
        let constructor = caml::exception_constructor(exception)?;
        caml::string_bytes(caml::field(constructor, 0))
    };
    Some(String::from_utf8_lossy(&name).into_owned())
}

#[cold]
fn no_exception() -> Error {
    Error::misuse(
        "a value was given for an OCaml exception, and is none: a value of type exn has to be what was raised, what a promise \
         was rejected with, or what is given to Error::from_exception_value",
    )
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exception({})", self.0.message)
    }
}

impl Error {
    /// The error with this OCaml exception: what an OCaml function that Rust called with ocaml-rs raised, say. On the
    /// domain thread, in a `#[func]` or a task. Elsewhere, and for a value that is no exception, it is an error that says so,
    /// `Rust_async.Misuse`.
    pub fn from_exception_value(exception: ocaml::Value) -> Error {
        let scope = caml::lock::access().and_then(|_| match AtHome::here() {
            Some(at) => Scope::nested(at),
            None => Err(caml::lock::Refused::NoLock),
        });
        match scope {
            // SAFETY: kept alive by its `Value`
            Ok(scope) => unsafe { Error::captured(&scope, exception.raw()) },
            Err(refused) => {
                Error::misuse(format!("Error::from_exception_value was called {refused}"))
            }
        }
    }

    /// # Safety
    /// As for [`Exception::capture`].
    pub(crate) unsafe fn captured(scope: &Scope, exception: Raw) -> Error {
        // SAFETY: as the caller's
        unsafe { Exception::capture(scope, exception) }
            .map_or_else(|misuse| misuse, Error::from_exception)
    }
}

/// An exception on its way to OCaml, with the backtrace it came with.
pub(crate) struct Outgoing {
    pub(crate) exception: ocaml::Value,
    /// `Printexc.raw_backtrace option`
    pub(crate) backtrace: ocaml::Value,
}

impl Outgoing {
    fn plain(exception: ocaml::Value) -> Self {
        Outgoing {
            exception,
            backtrace: ocaml::Value::none(),
        }
    }
}

/// The OCaml exception that an error becomes. Runs OCaml code, may collect.
pub(crate) fn of_error(scope: &Scope, error: &Error) -> Outgoing {
    let message = |callback, message: &str| {
        // SAFETY: a scope holds the lock; the string is rooted until it is an argument
        let string = unsafe { caml::string(message.as_bytes()) };
        make(scope, callback, || [string.raw()])
    };
    match error.kind() {
        Kind::Exception(exception) => {
            // SAFETY: a scope holds the lock
            let (exception, backtrace) = unsafe {
                (
                    caml::protect(exception.0.value.get()),
                    caml::protect(exception.0.backtrace.get()),
                )
            };
            Outgoing {
                exception,
                backtrace,
            }
        }
        Kind::Registered(registered) => match registered.make(scope) {
            Some(made) => of_error(scope, made),
            None => message(
                Callback::Misuse,
                "an exception that OCaml has registered was sent to OCaml a second time while it was being made: make an \
                 Error::registered for each",
            ),
        },
        Kind::Rust => {
            let chain = error.chain();
            // SAFETY: a scope holds the lock; both are rooted until they are arguments
            let (message, causes) = unsafe {
                (
                    caml::string(chain[0].as_bytes()),
                    caml::string_list(&chain[1..]),
                )
            };
            make(scope, Callback::RustError, || [message.raw(), causes.raw()])
        }
        Kind::Panic(panic) => of_panic(scope, panic),
        Kind::Broken => make(scope, Callback::BrokenPromise, || [caml::UNIT]),
        Kind::Misuse(text) => message(Callback::Misuse, text),
        Kind::InvalidArgument(text) => predefined(scope, Predefined::InvalidArgument, text),
        Kind::Overflow => predefined(scope, Predefined::StackOverflow, ""),
    }
}

/// `Rust_async.Rust_panic`. Runs OCaml code, may collect.
pub(crate) fn of_panic(scope: &Scope, panic: &Panic) -> Outgoing {
    // SAFETY: a scope holds the lock; both are rooted until they are arguments
    let (message, location) = unsafe {
        (
            caml::string(panic.message.as_bytes()),
            caml::string(panic.location.as_bytes()),
        )
    };
    make(scope, Callback::RustPanic, || {
        [message.raw(), location.raw()]
    })
}

/// The exceptions of OCaml's own that ocaml-rs's errors stand for; the numbers are those of `rust_async.ml`.
#[derive(Clone, Copy)]
#[repr(isize)]
enum Predefined {
    NotFound,
    Failure,
    InvalidArgument,
    OutOfMemory,
    StackOverflow,
    EndOfFile,
    DivisionByZero,
    SysBlockedIo,
    SysError,
}

fn predefined(scope: &Scope, which: Predefined, message: &str) -> Outgoing {
    // SAFETY: a scope holds the lock; the string is rooted until it is an argument
    let message = unsafe { caml::string(message.as_bytes()) };
    make(scope, Callback::Predefined, || {
        [caml::int(which as isize), message.raw()]
    })
}

/// What ocaml-rs would have raised for its error (`ocaml` 1.3, `error.rs`). Runs OCaml code, may collect.
pub(crate) fn of_ocaml_error(scope: &Scope, error: &ocaml::Error) -> Outgoing {
    use ocaml::CamlError::*;
    let plain = |which| predefined(scope, which, "");
    match error {
        ocaml::Error::Caml(error) => match error {
            // SAFETY: a scope holds the lock; rooted by its `Value`
            Exception(value) => match unsafe { caml::exception_constructor(value.raw()) } {
                Some(_) => Outgoing::plain(value.clone()),
                None => of_error(scope, &no_exception()),
            },
            WithArg(constructor, argument) => with_argument(scope, constructor, argument),
            NotFound => plain(Predefined::NotFound),
            OutOfMemory => plain(Predefined::OutOfMemory),
            StackOverflow => plain(Predefined::StackOverflow),
            EndOfFile => plain(Predefined::EndOfFile),
            ZeroDivide => plain(Predefined::DivisionByZero),
            SysBlockedIo => plain(Predefined::SysBlockedIo),
            ArrayBoundError => {
                predefined(scope, Predefined::InvalidArgument, "index out of bounds")
            }
            Failure(message) => predefined(scope, Predefined::Failure, message),
            InvalidArgument(message) => predefined(scope, Predefined::InvalidArgument, message),
            // SAFETY: a scope holds the lock; rooted by its `Value`
            SysError(message) if !unsafe { caml::is_string(message.raw()) } => of_error(
                scope,
                &Error::misuse(
                    "an ocaml::CamlError::SysError holds a value that is no string: put one there",
                ),
            ),
            SysError(message) => {
                let which = caml::int(Predefined::SysError as isize);
                make(scope, Callback::Predefined, || [which, message.raw()])
            }
        },
        ocaml::Error::Message(message) => predefined(scope, Predefined::Failure, message),
        ocaml::Error::Error(error) => predefined(scope, Predefined::Failure, &format!("{error:?}")),
        ocaml::Error::NotDoubleArray => {
            predefined(scope, Predefined::Failure, "invalid double array")
        }
        ocaml::Error::NotCallable => {
            predefined(scope, Predefined::Failure, "value is not callable")
        }
    }
}

/// The exception of this constructor with one argument, if that is what OCaml has registered.
fn with_argument(scope: &Scope, constructor: &ocaml::Value, argument: &ocaml::Value) -> Outgoing {
    let arguments = std::slice::from_ref(argument);
    let why = match registered::sample_of_constructor(scope, constructor) {
        None => "it is none that OCaml has registered with its arguments".to_owned(),
        Some(sample) => match registered::compare(sample, arguments) {
            Ok(()) => return Outgoing::plain(registered::of_sample(sample, arguments)),
            Err(why) => format!("it was given {why}"),
        },
    };
    let misuse = Error::misuse(format!(
        "an ocaml::CamlError::WithArg has a constructor that cannot be used so: {why}; call Rust_async.register_exception in \
         OCaml, and return Error::registered"
    ));
    of_error(scope, &misuse)
}

/// Has OCaml make an exception. Should making it fail (`Stack_overflow`), then that is the exception.
fn make<const N: usize>(
    scope: &Scope,
    callback: Callback,
    arguments: impl Fn() -> [Raw; N],
) -> Outgoing {
    // SAFETY: the arguments are live and of the callback's types: every caller in this file; the result is rooted
    // before anything can allocate
    unsafe {
        let (Ok(exception) | Err(exception)) =
            scope.home().call_until_done(scope, callback, arguments);
        Outgoing::plain(caml::protect(exception))
    }
}

/// `Invalid_argument` for an argument of a `#[func]` that does not convert. Runs OCaml code, may collect.
pub(crate) fn invalid_argument(scope: &Scope, message: &str) -> Outgoing {
    predefined(scope, Predefined::InvalidArgument, message)
}

/// Converts a value of OCaml's. ocaml-rs refuses by panicking.
pub(crate) fn convert<T: FromOCaml>(value: ocaml::Value) -> Result<T, Panic> {
    catch_quietly(AssertUnwindSafe(|| read::convert(value)))
}

/// Hands an exception to `!Lwt.async_exception_hook`, where Lwt runs. Runs OCaml code; what the hook raises leaves at the end
/// of the tick.
pub(crate) fn report_async(scope: &Scope, exception: &Outgoing) {
    if !scope.home().is_lwt() {
        // SAFETY: a scope holds the lock; rooted by its `Value`
        let root = unsafe { Root::new(exception.exception.raw()) };
        return crate::home::to_lwt(move |scope| {
            // SAFETY: a scope holds the lock
            let exception = unsafe { caml::protect(root.get()) };
            report_async(scope, &Outgoing::plain(exception));
        });
    }
    // SAFETY: rooted by its `Value`; the one that comes back is kept before anything can allocate
    unsafe {
        if let Err(raised) =
            scope
                .home()
                .call(scope, Callback::Async, &mut [exception.exception.raw()])
        {
            scope.home().escape(scope, raised);
        }
    }
}

/// The domain executor for a value that arrives from OCaml.
///
/// # Panics
/// On a thread that has none, or may not touch OCaml now; ocaml-rs's conversions have no other way to refuse.
pub(crate) fn home_of_conversion(what: &str) -> &'static Home {
    caml::lock::demand(what);
    match AtHome::here() {
        Some(at) => at.home(),
        None => panic!(
            "{what} on a thread that has no executor, neither Lwt's nor that of a worker domain"
        ),
    }
}

/// What is bound where a value arrives from OCaml, outside of our stubs too.
pub(crate) fn storage_of_conversion(home: &'static Home) -> Storage {
    Scope::with_current(home, Storage::bound).unwrap_or_default()
}
