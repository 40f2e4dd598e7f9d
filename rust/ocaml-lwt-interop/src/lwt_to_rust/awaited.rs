//! What a future awaits, and how it begins.

use ocaml::Value;

use crate::caml::{Root, Typed, types};
use crate::conversion::FromOCaml;
use crate::error::Error;
use crate::home::Scope;
use crate::received;
use crate::storage::Storage;

/// Something that a future waits for. It begins at home, when the future is first polled.
#[doc(hidden)]
pub trait Awaitable: 'static {
    /// Whether it calls an OCaml function. Then a future that is gone does not begin it.
    #[doc(hidden)]
    const CALLS: bool;
    /// What Lwt's keys are bound to in the OCaml function, if the future is polled outside of any call.
    #[doc(hidden)]
    fn storage(&self) -> Remembered {
        Remembered(Storage::NOTHING)
    }
    /// Begins: gives what is there now, or the exception that the OCaml function raised. Runs OCaml code.
    #[doc(hidden)]
    fn begin(self, scope: PollScope<'_>) -> Result<Begun, Error>;
}

/// A storage, without its private type.
#[doc(hidden)]
pub struct Remembered(pub(super) Storage);

/// What a start gives.
#[doc(hidden)]
pub struct Begun(pub(super) Awaited);

/// Where the value comes from.
pub(super) enum Awaited {
    /// A promise, which may be pending.
    Promise(Typed<types::Promise>),
    /// It is there.
    Value(ocaml::Value),
    /// A call that another thread is to make: a block of the function and its arguments.
    BlockingCall(Root),
}

/// The scope of a poll, without its private type.
#[doc(hidden)]
pub struct PollScope<'a>(pub(crate) &'a Scope<'a>);

/// Converts what a function has returned.
pub(super) fn value_of_function<T: FromOCaml>(value: Value) -> Result<T, Error> {
    received::convert(value).map_err(|panic| {
        Error::invalid_argument(format!(
            "the value of an OCaml function does not convert: {}",
            panic.message
        ))
    })
}
