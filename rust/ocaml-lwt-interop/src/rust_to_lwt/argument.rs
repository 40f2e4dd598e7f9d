//! Arguments of a `#[func]`: rooted all at once, converted one by one, and refused by name.

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;

use crate::caml::Live;
use crate::caml::lock::Access;
use crate::conversion::{FromOCaml, Reading, read};
use crate::error::Error;
use crate::errors_to_ocaml::{self, Outgoing};
use crate::home::Scope;
use crate::objects::{self, Borrowed, OCamlObject};
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
    /// Whether converting an argument may collect, so that the others have to be rooted.
    pub collects: bool,
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

/// The values of the arguments, until each is converted.
#[derive(Clone, Copy)]
pub(super) enum Values<'a> {
    /// Converting one may collect.
    Rooted(&'a [Cell<Option<ocaml::Value>>]),
    /// Nothing allocates before the last is converted.
    Live(&'a [Live<'a>]),
}

/// The arguments of one call.
#[doc(hidden)]
pub struct Arguments<'a> {
    pub(super) access: Access<'a>,
    pub(super) signature: &'static Signature,
    pub(super) values: Values<'a>,
}

/// What the call raises. In a box: nearly all calls raise nothing.
#[doc(hidden)]
#[derive(Debug)]
pub struct ArgumentError(Box<Refusal>);

#[derive(Debug)]
struct Refusal {
    message: String,
    /// `Rust_async.Misuse`: an object that was closed, say. Otherwise `Invalid_argument`.
    is_misuse: bool,
}

impl ArgumentError {
    /// Runs OCaml code, may collect.
    #[cold]
    pub(super) fn exception(&self, scope: &Scope) -> Outgoing {
        let Refusal { message, is_misuse } = &*self.0;
        match is_misuse {
            true => errors_to_ocaml::of_error(scope, &Error::misuse(message.clone())),
            false => errors_to_ocaml::invalid_argument(scope, message),
        }
    }
}

impl Arguments<'_> {
    /// What is not rooted is live until the next allocation.
    #[inline]
    fn take(&self, i: usize) -> ocaml::Value {
        match self.values {
            Values::Live(values) => ocaml::Value::Raw(values[i].raw().0),
            Values::Rooted(values) => values[i]
                .take()
                .expect("the macro converts each argument once"),
        }
    }

    #[cold]
    fn refuse(&self, i: usize, why: &str, is_misuse: bool) -> ArgumentError {
        let Signature {
            function,
            arguments,
            ..
        } = self.signature;
        ArgumentError(Box::new(Refusal {
            message: format!("{function}: argument {} ({}): {why}", i + 1, arguments[i]),
            is_misuse,
        }))
    }

    /// A conversion panicked with this text.
    #[cold]
    fn refuse_panic(&self, i: usize, why: &str) -> ArgumentError {
        self.refuse(i, why, objects::was_refused(why))
    }
}

/// One argument of type `T`. An object that stays at home is borrowed with [`borrow`]. Everything else the macro converts with
/// `(&&Argument::<T>::NEW).convert(…)`, which finds
/// [`ConvertString`] for a `String` and [`ConvertArgument`] for everything else.
#[doc(hidden)]
pub struct Argument<T>(PhantomData<fn() -> T>);

impl<T: FromOCaml> Argument<T> {
    /// Whether converting it may collect.
    pub const COLLECTS: bool = matches!(T::READING, Reading::Collects);
}

/// A type that does not come from OCaml, which the compiler refuses elsewhere.
#[doc(hidden)]
pub trait NotRead {
    /// Nobody knows.
    const COLLECTS: bool = true;
}

impl<T> NotRead for Argument<T> {}

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
        let Some(bytes) = Live::of(arguments.access, &value).bytes() else {
            let why = "not a string: the OCaml type of an external is wrong";
            return Err(arguments.refuse(i, why, false));
        };
        String::from_utf8(bytes.to_vec()).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            arguments.refuse(
                i,
                &format!(
                    "not valid UTF-8 (byte {at} of {}); take a ByteBuf for bytes that are not text",
                    { error.as_bytes().len() }
                ),
                false,
            )
        })
    }
}

/// Argument `i`, an object that the call borrows. The macro calls it at the user's `&T`, so that the compiler says there that `T` is none.
#[doc(hidden)]
#[inline(always)]
pub fn borrow<T: OCamlObject>(
    arguments: &Arguments<'_>,
    i: usize,
) -> Result<Borrowed<T>, ArgumentError> {
    let value = arguments.take(i);
    Borrowed::of(Live::of(arguments.access, &value))
        .map_err(|refused| arguments.refuse(i, &refused.why, refused.is_misuse))
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
        let convert = || read::convert_here(arguments.access, value);
        if let Reading::Plain = T::READING {
            return Ok(convert());
        }
        catch_quietly(AssertUnwindSafe(convert))
            .map_err(|panic| arguments.refuse_panic(i, &panic.message))
    }
}
