//! Arguments of a `#[func]`: rooted all at once, converted one by one, and refused by name.

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;

use crate::caml;
use crate::caml::lock::Access;
use crate::conversion::{FromOCaml, read};
use crate::error::Error;
use crate::errors_to_ocaml::{self, Outgoing};
use crate::home::Scope;
use crate::objects;
use crate::panic::catch_quietly;

/// What a stub knows of its function.
#[doc(hidden)]
#[derive(Debug)]
pub struct Signature {
    /// The name in OCaml's `external` declaration.
    pub function: &'static str,
    /// The names of the arguments, in order.
    pub arguments: &'static [&'static str],
    /// What `Lwt.cancel` does.
    pub cancel: Cancel,
}

/// What happens to the future when its promise is cancelled.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// It is dropped.
    Drop,
    /// It runs on.
    Detach,
}

/// The arguments of one call, each behind its root until it is converted.
#[doc(hidden)]
pub struct Arguments<'a> {
    pub(super) access: Access<'a>,
    pub(super) signature: &'static Signature,
    pub(super) values: &'a [Cell<Option<ocaml::Value>>],
}

/// What the call raises.
#[doc(hidden)]
#[derive(Debug)]
pub struct ArgumentError {
    message: String,
    /// `Rust_async.Misuse`: an object that was closed, say. Otherwise `Invalid_argument`.
    is_misuse: bool,
}

impl ArgumentError {
    /// Runs OCaml code, may collect.
    #[cold]
    pub(super) fn exception(&self, scope: &Scope) -> Outgoing {
        match self.is_misuse {
            true => errors_to_ocaml::of_error(scope, &Error::misuse(self.message.clone())),
            false => errors_to_ocaml::invalid_argument(scope, &self.message),
        }
    }
}

impl Arguments<'_> {
    fn take(&self, i: usize) -> ocaml::Value {
        self.values[i]
            .take()
            .expect("the macro converts each argument once")
    }

    #[cold]
    fn refuse(&self, i: usize, why: &str) -> ArgumentError {
        let Signature {
            function,
            arguments,
            ..
        } = self.signature;
        ArgumentError {
            message: format!("{function}: argument {} ({}): {why}", i + 1, arguments[i]),
            is_misuse: objects::was_refused(why),
        }
    }
}

/// One argument of type `T`. The macro converts with `(&&Argument::<T>::NEW).convert(…)`, which finds
/// [`ConvertString`] for a `String` and [`ConvertArgument`] for everything else.
#[doc(hidden)]
pub struct Argument<T>(PhantomData<fn() -> T>);

impl<T> Argument<T> {
    /// The only value.
    pub const NEW: Self = Argument(PhantomData);
}

/// A `String`: checked here, so that text that is not UTF-8 says where it goes wrong.
#[doc(hidden)]
pub trait ConvertString {
    /// Converts argument `i`.
    fn convert(&self, arguments: &Arguments<'_>, i: usize) -> Result<String, ArgumentError>;
}

impl ConvertString for &Argument<String> {
    #[inline]
    fn convert(&self, arguments: &Arguments<'_>, i: usize) -> Result<String, ArgumentError> {
        let value = arguments.take(i);
        // SAFETY: called by a stub, so the lock is held, and the argument is an OCaml string by the declaration
        let bytes = unsafe { caml::string_bytes(value.raw()) };
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            arguments.refuse(
                i,
                &format!(
                    "not valid UTF-8 (byte {at} of {}); take a ByteBuf for bytes that are not text",
                    { error.as_bytes().len() }
                ),
            )
        })
    }
}

/// Every other type that comes from OCaml.
#[doc(hidden)]
pub trait ConvertArgument {
    /// What it converts to.
    type Output;
    /// Converts argument `i`. The bound stands here, not on the impl, so that the compiler's message for a type that
    /// does not convert is about [`FromOCaml`].
    fn convert(&self, arguments: &Arguments<'_>, i: usize) -> Result<Self::Output, ArgumentError>
    where
        Self::Output: FromOCaml;
}

impl<T> ConvertArgument for Argument<T> {
    type Output = T;

    #[inline]
    fn convert(&self, arguments: &Arguments<'_>, i: usize) -> Result<T, ArgumentError>
    where
        T: FromOCaml,
    {
        let value = arguments.take(i);
        catch_quietly(AssertUnwindSafe(|| {
            read::convert_here(arguments.access, value)
        }))
        .map_err(|panic| arguments.refuse(i, &panic.message))
    }
}
