//! The OCaml exception that an error or a panic becomes, on its way to OCaml.

use crate::caml::{self, Arguments, Callbacks, Make, Raised, Typed, types};
use crate::error::{Error, Kind};
use crate::exception::NoException;
use crate::home::{Scope, to_lwt};
use crate::panic::Panic;
use crate::registered;

/// An exception on its way to OCaml, with the backtrace it came with.
pub(crate) struct Outgoing {
    pub(crate) exception: Typed<types::Exception>,
    pub(crate) backtrace: Typed<types::Backtrace>,
}

impl Outgoing {
    fn plain(exception: Typed<types::Exception>) -> Self {
        Outgoing {
            exception,
            backtrace: Typed::NONE,
        }
    }

    /// To be raised, before anything allocates.
    #[cold]
    pub(crate) fn raised(&self) -> Raised {
        Raised::just(self.exception.value().raw())
    }
}

/// The OCaml exception that an error becomes. Runs OCaml code, may collect.
pub(crate) fn of_error(scope: &Scope, error: &Error) -> Outgoing {
    let misuse = |message: &str| {
        let message = Typed::string(scope.access(), message);
        make(scope, &Callbacks::MISUSE, &(&message,))
    };
    match error.kind() {
        Kind::Exception(exception) => {
            let (exception, backtrace) = exception.parts(scope.access());
            Outgoing {
                exception,
                backtrace,
            }
        }
        Kind::Registered(registered) => match registered.make(scope) {
            Some(made) => of_error(scope, made),
            None => misuse(
                "an exception that OCaml has registered was sent to OCaml a second time while it was being made: make an \
                 Error::registered for each",
            ),
        },
        Kind::Rust => {
            let chain = error.chain();
            let message = Typed::string(scope.access(), &chain[0]);
            let causes = Typed::strings(scope.access(), &chain[1..]);
            make(scope, &Callbacks::RUST_ERROR, &(&message, &causes))
        }
        Kind::Panic(panic) => of_panic(scope, panic),
        Kind::Broken => make(scope, &Callbacks::BROKEN_PROMISE, &(&(),)),
        Kind::Misuse(text) => misuse(text),
        Kind::InvalidArgument(text) => predefined(scope, Predefined::InvalidArgument, text),
        Kind::Overflow => predefined(scope, Predefined::StackOverflow, ""),
    }
}

/// `Rust_async.Rust_panic`. Runs OCaml code, may collect.
pub(crate) fn of_panic(scope: &Scope, panic: &Panic) -> Outgoing {
    let message = Typed::string(scope.access(), &panic.message);
    let location = Typed::string(scope.access(), &panic.location);
    make(scope, &Callbacks::RUST_PANIC, &(&message, &location))
}

/// The exceptions of OCaml's own that ocaml-rs's errors stand for; the numbers are those of `errors.ml`.
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
    let message = Typed::string(scope.access(), message);
    predefined_with(scope, which, &message)
}

fn predefined_with(scope: &Scope, which: Predefined, message: &Typed<types::String>) -> Outgoing {
    make(scope, &Callbacks::PREDEFINED, &(&(which as isize), message))
}

/// What ocaml-rs would have raised for its error (`ocaml` 1.3, `error.rs`). Runs OCaml code, may collect.
pub(crate) fn of_ocaml_error(scope: &Scope, error: &ocaml::Error) -> Outgoing {
    use ocaml::CamlError::*;
    let plain = |which| predefined(scope, which, "");
    match error {
        ocaml::Error::Caml(error) => match error {
            Exception(value) => match caml::as_exception(scope.access(), value) {
                Some(exception) => Outgoing::plain(exception),
                None => of_error(scope, &NoException.into()),
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
            SysError(message) => match Typed::as_string(scope.access(), message) {
                Some(message) => predefined_with(scope, Predefined::SysError, &message),
                None => of_error(
                    scope,
                    &Error::misuse(
                        "an ocaml::CamlError::SysError holds a value that is no string: put one there",
                    ),
                ),
            },
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
        Some(sample) => match registered::compare(scope.access(), sample, arguments) {
            Ok(()) => {
                let exception = registered::of_sample(scope.access(), sample, arguments);
                let exception = caml::as_exception(scope.access(), &exception);
                return Outgoing::plain(exception.expect("made as one"));
            }
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
fn make<A>(scope: &Scope, function: &Make<A>, arguments: &impl Arguments<A>) -> Outgoing {
    let (Ok(exception) | Err(exception)) = scope.home().ask(scope, function, arguments);
    Outgoing::plain(exception)
}

/// `Invalid_argument` for an argument of a `#[func]` that does not convert. Runs OCaml code, may collect.
pub(crate) fn invalid_argument(scope: &Scope, message: &str) -> Outgoing {
    predefined(scope, Predefined::InvalidArgument, message)
}

/// [`report_async`] for a panic that is no promise's.
pub(crate) fn report_panic(scope: &Scope, panic: &Panic) {
    report_async(scope, &of_panic(scope, panic));
}

/// Hands an exception to `!Lwt.async_exception_hook`, where Lwt runs. Runs OCaml code; what the hook raises leaves at the end
/// of the tick.
pub(crate) fn report_async(scope: &Scope, exception: &Outgoing) {
    if !scope.home().is_lwt() {
        let root = exception.exception.root(scope.access());
        return to_lwt(move |scope| {
            let exception = root.typed(scope.access());
            report_async(scope, &Outgoing::plain(exception));
        });
    }
    let told = scope
        .home()
        .call(scope, &Callbacks::ASYNC, &(&exception.exception,));
    if let Err(raised) = told {
        scope.home().escape(scope, &raised);
    }
}
