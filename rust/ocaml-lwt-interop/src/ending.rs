//! How an asynchronous computation ends, in both directions. Pure: no `unsafe`, no OCaml.

use crate::error::Error;
use crate::panic::Panic;

/// The four endings. A promise or a future of ours is always settled with one of them, exactly once.
#[derive(Debug)]
pub(crate) enum Ending<T> {
    /// Rust: returned a value. OCaml: fulfilled.
    Value(T),
    /// Rust: returned `Err`. OCaml: rejected.
    Error(Error),
    /// Rust: panicked. OCaml: rejected with `Rust_async.Rust_panic`.
    Panic(Panic),
    /// Rust: the future or the resolver was dropped. OCaml: rejected with `Rust_async.Broken_promise`; nobody can
    /// resolve the promise any more.
    Dropped,
}

impl<T> Ending<T> {
    pub(crate) fn map<U>(self, f: impl FnOnce(T) -> Ending<U>) -> Ending<U> {
        match self {
            Ending::Value(value) => f(value),
            Ending::Error(error) => Ending::Error(error),
            Ending::Panic(panic) => Ending::Panic(panic),
            Ending::Dropped => Ending::Dropped,
        }
    }

    /// The ending as Rust's callers see it.
    pub(crate) fn into_result(self) -> Result<T, Error> {
        match self {
            Ending::Value(value) => Ok(value),
            Ending::Error(error) => Err(error),
            Ending::Panic(panic) => Err(Error::from_panic(panic)),
            Ending::Dropped => Err(Error::broken_promise()),
        }
    }
}

impl<T> From<Result<T, Error>> for Ending<T> {
    fn from(result: Result<T, Error>) -> Self {
        match result {
            Ok(value) => Ending::Value(value),
            Err(error) => Ending::Error(error),
        }
    }
}
