//! OCaml exceptions as Rust sees them.

use std::fmt;
use std::sync::Arc;

use crate::caml::lock::{Access, demand};
use crate::caml::{self, Callback, Raw, Root};
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
    value: Root,
    /// `Printexc.raw_backtrace option`, as OCaml had it when the exception arrived.
    backtrace: Root,
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
    pub(crate) fn capture(scope: &Scope, exception: Root) -> Result<Exception, NoException> {
        let access = scope.access();
        // SAFETY: `Describe` takes any exception, and gives what is read before anything can allocate
        unsafe {
            Self::described(access, exception, |value| {
                scope
                    .home()
                    .call_until_done(scope, Callback::Describe, || [value.get(access)])
            })
        }
    }

    /// An exception that OCaml code has described, on whichever of OCaml's threads.
    ///
    /// # Safety
    /// `described` is what `Describe` gives. Does not allocate on the OCaml heap.
    pub(crate) unsafe fn already_described(
        access: Access<'_>,
        exception: &ocaml::Value,
        described: &ocaml::Value,
    ) -> Result<Exception, NoException> {
        let exception = Root::of(access, exception);
        // SAFETY: the caller's word
        unsafe { Self::described(access, exception, |_| Ok(described.raw())) }
    }

    /// # Safety
    /// `describe` calls `Describe` and does nothing with its result.
    unsafe fn described(
        access: Access<'_>,
        value: Root,
        describe: impl FnOnce(&Root) -> Result<Raw, Raw>,
    ) -> Result<Exception, NoException> {
        let name = name_of(access, &value).ok_or(NoException)?;
        // SAFETY: an exception is a live argument for `Describe`, which gives a pair of a string and an option; both
        // are read before anything else can allocate
        unsafe {
            let (message, backtrace) = match describe(&value) {
                Ok(pair) => {
                    let message = caml::string_bytes(caml::field(pair, 0));
                    (
                        String::from_utf8_lossy(&message).into_owned(),
                        Root::new(access, caml::field(pair, 1)),
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
        demand("an OCaml exception was taken apart", |access| {
            self.0.value.value(access)
        })
    }

    /// The exception and its backtrace, `Printexc.raw_backtrace option`.
    pub(crate) fn parts(&self, access: Access<'_>) -> (ocaml::Value, ocaml::Value) {
        (self.0.value.value(access), self.0.backtrace.value(access))
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
            let argument = caml::exception_argument(access, &exception, i)?;
            // SAFETY: rooted; nothing declares its type
            if !unsafe { T::has_shape(argument.raw()) } {
                return None;
            }
            Some(read::convert_here(access, argument))
        })
    }
}

/// Its name, if it is an exception. No allocation on the OCaml heap.
fn name_of(access: Access<'_>, exception: &Root) -> Option<String> {
    let name = caml::exception_name(access, exception)?;
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
