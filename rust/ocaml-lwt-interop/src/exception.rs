//! OCaml exceptions as Rust sees them, and Rust's errors as OCaml exceptions.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use ocaml::FromValue;

use crate::caml::{self, Callback, Guest, Raw, Root};
use crate::error::{Error, Kind};
use crate::executor::{AtHome, Home, Scope};
use crate::panic::{Panic, catch_quietly};
use crate::registered;

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
                call(scope, Callback::Describe, || [value.get()])
            })
        }
    }

    /// As [`Exception::capture`], on a guest, whose own last backtrace it is that OCaml has.
    ///
    /// # Safety
    /// As for [`Exception::capture`].
    pub(crate) unsafe fn capture_on_guest(
        guest: &Guest,
        home: &Home,
        exception: Raw,
    ) -> Result<Exception, Error> {
        // SAFETY: a guest holds the lock; the exception is live. What comes instead of a description is an exception of
        // a finaliser's, say, which has nobody to go to here.
        unsafe {
            Self::described(exception, |value| {
                home.call_from_guest(guest, Callback::Describe, &mut [value.get()])
            })
        }
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

    /// The exception value, to take its arguments apart. With the proof that this is a thread that runs OCaml.
    ///
    /// # Panics
    /// On a thread that is not a domain thread. (ocaml-rs's runtime can be passed to one.)
    pub fn value(&self, _runtime: &ocaml::Runtime) -> ocaml::Value {
        assert!(
            AtHome::here().is_some(),
            "an OCaml exception was taken apart on a thread that does not run OCaml"
        );
        // SAFETY: a `&Runtime` is ocaml-rs's proof of the runtime lock
        unsafe { caml::protect(self.0.value.get()) }
    }

    /// The argument `i` of the exception, converted; `None` when it has no such argument.
    ///
    /// # Panics
    /// When ocaml-rs's conversion panics.
    pub fn argument<T: FromValue>(&self, runtime: &ocaml::Runtime, i: usize) -> Option<T> {
        let value = self.value(runtime).raw();
        // SAFETY: the value is kept alive by `self` and the lock is held; it was an exception when it was captured. The
        // arguments stand behind the constructor.
        unsafe {
            if i >= caml::exception_arguments(value) {
                return None;
            }
            Some(T::from_value(caml::protect(caml::field(value, i + 1))))
        }
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
        let home = AtHome::here().map(AtHome::home);
        let captured = home.and_then(|home| {
            Scope::with_current(home, |scope| {
                // SAFETY: kept alive by its `Value`
                unsafe { Error::captured(scope, exception.raw()) }
            })
        });
        captured.unwrap_or_else(|| {
            Error::misuse(
                "Error::from_exception_value was called where OCaml values cannot be touched: send a closure to the domain \
                 thread with Handle::call",
            )
        })
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
        let (Ok(exception) | Err(exception)) = call(scope, callback, arguments);
        Outgoing::plain(caml::protect(exception))
    }
}

/// Calls a function of the bridge that raises nothing itself. What comes all the same is a signal handler's exception
/// (`Sys.Break`) that has nothing to do with this promise: it goes its own way, out of the loop, and the call is made
/// again.
///
/// # Safety
/// `arguments` gives live values of the types that the callback takes, each time. The result is not rooted.
unsafe fn call<const N: usize>(
    scope: &Scope,
    callback: Callback,
    arguments: impl Fn() -> [Raw; N],
) -> Result<Raw, Raw> {
    let home = scope.home();
    // SAFETY: as the caller's; the exception is kept before anything can allocate
    unsafe {
        home.call(scope, callback, &mut arguments())
            .or_else(|asynchronous| {
                home.escape(scope, asynchronous);
                home.call(scope, callback, &mut arguments())
            })
    }
}

/// `Invalid_argument` for an argument of a `#[func]` that does not convert. Runs OCaml code, may collect.
pub(crate) fn invalid_argument(scope: &Scope, message: &str) -> Outgoing {
    predefined(scope, Predefined::InvalidArgument, message)
}

/// Converts a value of OCaml's. ocaml-rs refuses by panicking.
pub(crate) fn convert<T: FromValue>(value: ocaml::Value) -> Result<T, Panic> {
    catch_quietly(AssertUnwindSafe(|| T::from_value(value)))
}

/// Hands an exception to `!Lwt.async_exception_hook`, where Lwt runs. Runs OCaml code; what the hook raises leaves at the end
/// of the tick.
pub(crate) fn report_async(scope: &Scope, exception: &Outgoing) {
    if !scope.home().is_lwt() {
        // SAFETY: a scope holds the lock; rooted by its `Value`
        let root = unsafe { Root::new(exception.exception.raw()) };
        return crate::executor::start::to_lwt(move |scope| {
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

/// The domain executor for a value that arrives from OCaml outside of our stubs, in a `#[ocaml::func]`, say.
///
/// # Panics
/// On a thread that has none; ocaml-rs's conversions have no other way to refuse.
pub(crate) fn home_of_conversion(what: &str) -> &'static Home {
    match AtHome::here().or_else(crate::executor::start::start_here) {
        Some(at) => at.home(),
        None => {
            panic!("{what} can be received only on the thread that runs Lwt, and on worker domains")
        }
    }
}
