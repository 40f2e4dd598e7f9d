//! What a future awaits, and how it begins.

use ocaml::Value;

use crate::caml::{Root, Typed, types};
use crate::conversion::FromOCaml;
use crate::error::Error;
use crate::home::Scope;
use crate::received;
use crate::storage::Storage;

/// What gives that which is awaited; run at home, at the first poll.
#[doc(hidden)]
pub trait Start: 'static {
    /// Whether it calls a function, which it does not for a future that is gone.
    #[doc(hidden)]
    const CALLS: bool;
    /// What is bound in the call that is made, when the thread of the future runs nobody's call.
    #[doc(hidden)]
    fn storage(&self) -> Remembered {
        Remembered(Storage::NOTHING)
    }
    /// What there is now, or what calling for it raised. Runs OCaml code.
    #[doc(hidden)]
    fn start(self, scope: Token<'_>) -> Result<Started, Error>;
}

/// A storage, without its private type.
#[doc(hidden)]
pub struct Remembered(pub(super) Storage);

/// What a start gives.
#[doc(hidden)]
pub struct Started(pub(super) Awaited);

/// Where the value comes from.
pub(super) enum Awaited {
    /// A promise, which may be pending.
    Promise(Typed<types::Promise>),
    /// It is there.
    Value(ocaml::Value),
    /// A call that another thread is to make: a block of the function and its arguments.
    Guest(Root),
}

/// The scope of a poll, without its private type.
#[doc(hidden)]
pub struct Token<'a>(pub(crate) &'a Scope<'a>);

/// Converts what a function has returned.
pub(super) fn value_of_function<T: FromOCaml>(value: Value) -> Result<T, Error> {
    received::convert(value).map_err(|panic| {
        Error::invalid_argument(format!(
            "the value of an OCaml function does not convert: {}",
            panic.message
        ))
    })
}
