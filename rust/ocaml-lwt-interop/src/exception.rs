//! OCaml exceptions as Rust sees them.

use std::fmt;
use std::sync::Arc;

use crate::caml::{self, Callback, Raw, Root};
use crate::conversion::{FromOCaml, read};
use crate::home::Scope;

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

/// A value was given for an exception, and is none.
#[derive(Debug)]
pub(crate) struct NoException;

impl Exception {
    /// Refused for a value that is no exception: some OCaml code, or Rust code with an OCaml value, has passed it off for one.
    ///
    /// # Safety
    /// `exception` is a live value. Runs OCaml code (registered printers), may collect.
    pub(crate) unsafe fn capture(scope: &Scope, exception: Raw) -> Result<Exception, NoException> {
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
    ) -> Result<Exception, NoException> {
        // SAFETY: as the caller's; rooting allocates nothing of OCaml's, so both are live until they are read
        unsafe { Self::described(exception, |_| Ok(described)) }
    }

    /// # Safety
    /// The lock is held; the value is live; `describe` calls `Describe` and does nothing with its result.
    unsafe fn described(
        exception: Raw,
        describe: impl FnOnce(&Root) -> Result<Raw, Raw>,
    ) -> Result<Exception, NoException> {
        // SAFETY: the lock is held; rooted before anything can allocate
        let value = unsafe { Root::new(exception) };
        // SAFETY: the lock is held; live
        let name = unsafe { name_of(exception) }.ok_or(NoException)?;
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

    /// The exception and its backtrace, `Printexc.raw_backtrace option`.
    ///
    /// # Safety
    /// The runtime lock is held.
    pub(crate) unsafe fn parts(&self) -> (ocaml::Value, ocaml::Value) {
        // SAFETY: as the caller's
        unsafe {
            (
                caml::protect(self.0.value.get()),
                caml::protect(self.0.backtrace.get()),
            )
        }
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
