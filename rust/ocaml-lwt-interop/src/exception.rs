//! OCaml exceptions as Rust sees them.

use std::fmt;
use std::sync::Arc;

use crate::caml::lock::{Access, demand};
use crate::caml::{
    Callbacks, Described, Typed, TypedRoot, as_exception, exception_argument, exception_name, types,
};
use crate::conversion::{FromOCaml, read};
use crate::home::Scope;

/// An OCaml exception that Rust received, kept alive so that it can be sent back as that same exception.
///
/// `Send`, `Sync` and cheap to clone; [`Exception::name`] and the message ([`fmt::Display`]) can be read on any thread,
/// the value itself at home.
///
/// ```
/// use ocaml_lwt_interop::{Error, OCamlFunc, ocaml_runtime};
///
/// /// Why `f` fails, if it raises `Failure`.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn reason_of_failure(f: OCamlFunc<(), ()>) -> Option<String> {
///     let error: Error = f.call(&ocaml_runtime(), ()).err()?;
///     let exception = error.exception()?;
///     if !exception.name().ends_with("Failure") {
///         return None;
///     }
///     exception.argument(&ocaml_runtime(), 0)
/// }
/// ```
#[derive(Clone)]
pub struct Exception(Arc<Inner>);

struct Inner {
    value: TypedRoot<types::Exception>,
    /// As OCaml had it when the exception arrived.
    backtrace: TypedRoot<types::Backtrace>,
    name: String,
    message: String,
}

/// A value was given for an exception, and is none.
#[derive(Debug)]
pub(crate) struct NoException;

impl Exception {
    /// Refused for a value that is no exception: some OCaml code, or Rust code with an OCaml value, has passed it off for one.
    ///
    /// Runs OCaml code (registered printers), may collect.
    pub(crate) fn capture(
        scope: &Scope,
        exception: &ocaml::Value,
    ) -> Result<Exception, NoException> {
        let exception = as_exception(scope.access(), exception).ok_or(NoException)?;
        Self::of_raised(scope, &exception).ok_or(NoException)
    }

    /// The same for what was raised, or what a promise was rejected with. Of what is no exception, though of its type, nothing
    /// is made.
    pub(crate) fn of_raised(
        scope: &Scope,
        exception: &Typed<types::Exception>,
    ) -> Option<Exception> {
        let name = name_of(scope.access(), exception)?;
        let described = scope
            .home()
            .ask(scope, &Callbacks::DESCRIBE, &(exception,))
            .unwrap_or_else(|_| Described::with_message(&name));
        Some(Self::made(scope.access(), name, exception, described))
    }

    /// An exception that OCaml code has described, on whichever of OCaml's threads. Does not allocate on the OCaml heap.
    pub(crate) fn already_described(
        access: Access<'_>,
        exception: &Typed<types::Exception>,
        described: Described,
    ) -> Option<Exception> {
        let name = name_of(access, exception)?;
        Some(Self::made(access, name, exception, described))
    }

    fn made(
        access: Access<'_>,
        name: String,
        exception: &Typed<types::Exception>,
        described: Described,
    ) -> Exception {
        let Described { message, backtrace } = described;
        Exception(Arc::new(Inner {
            value: exception.root(access),
            backtrace,
            name,
            message: String::from_utf8_lossy(&message).into_owned(),
        }))
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
        demand("an OCaml exception was taken apart", |access| {
            self.0.value.typed(access).into_value()
        })
    }

    /// The exception and its backtrace.
    pub(crate) fn parts(
        &self,
        access: Access<'_>,
    ) -> (Typed<types::Exception>, Typed<types::Backtrace>) {
        (self.0.value.typed(access), self.0.backtrace.typed(access))
    }

    /// The argument `i` of the exception, converted. `None` when there is no such argument, or when it is of another type.
    ///
    /// The type is checked as far as a value shows it. All fields of records and variants are checked. The arguments of a
    /// function cannot be. A type with a conversion of its own is never found: take an `OCamlValue`.
    ///
    /// # Panics
    /// When it cannot be converted: a string that is not UTF-8 as a `String`, a number that is too large.
    pub fn argument<T: FromOCaml>(&self, runtime: &ocaml::Runtime, i: usize) -> Option<T> {
        let exception = self.value(runtime);
        demand("an OCaml exception was taken apart", |access| {
            let argument = exception_argument(access, &exception, i)?;
            // Nothing declares its type.
            if !T::has_shape(argument) {
                return None;
            }
            Some(read::convert_here(access, argument.rooted()))
        })
    }
}

/// Its name, if it is an exception. No allocation on the OCaml heap.
fn name_of(access: Access<'_>, exception: &Typed<types::Exception>) -> Option<String> {
    let name = exception_name(access, exception)?;
    Some(String::from_utf8_lossy(&name).into_owned())
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
