//! What a `#[func]` returns decides how its promise is settled: the table of endings, by return type.

use std::marker::PhantomData;

use crate::error::Error;
use crate::objects::Give;

/// What is known of a function's value before it is converted.
pub(crate) enum Settled<T> {
    /// Fulfilled with it.
    Value(T),
    /// Rejected with an error of ours.
    Error(Error),
    /// Rejected with what ocaml-rs would have raised.
    OCaml(ocaml::Error),
}

/// The ending of a function, opaque to the macro.
#[doc(hidden)]
pub struct Outcome<T>(pub(crate) Settled<T>);

impl<T> Outcome<T> {
    /// What a value is for OCaml, where that is not itself.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        Outcome(match self.0 {
            Settled::Value(value) => Settled::Value(f(value)),
            Settled::Error(error) => Settled::Error(error),
            Settled::OCaml(error) => Settled::OCaml(error),
        })
    }
}

/// The return type `R` of a function. The macro calls `(&&&&&Output::of(&output)).ending(output)`, which finds
/// [`EndingOfError`] for `Result<T, Error>`, [`EndingOfOCamlError`] for `Result<T, ocaml::Error>`, and
/// [`EndingOfValue`] for everything else, other results included; or, where there is an object in the value by itself,
/// [`EndingOfErrorOrObject`] and [`EndingOfObject`]. None asks for `ToOCaml`: the stub does, whose message
/// for a type that does not convert is the clearest.
#[doc(hidden)]
pub struct Output<R>(PhantomData<fn() -> R>);

impl<R> Output<R> {
    /// The type of a value.
    pub fn of(_: &R) -> Self {
        Output(PhantomData)
    }
}

/// `Result<T, ocaml_lwt_interop::Error>` with an object.
#[doc(hidden)]
pub trait EndingOfErrorOrObject<T: Give> {
    /// How it ends.
    fn ending(&self, output: Result<T, Error>) -> Outcome<T::Given>;
}

impl<T: Give> EndingOfErrorOrObject<T> for &&&&Output<Result<T, Error>> {
    fn ending(&self, output: Result<T, Error>) -> Outcome<T::Given> {
        EndingOfError::ending(&&&&Output::of(&output), output).map(T::give)
    }
}

/// `Result<T, ocaml_lwt_interop::Error>`
#[doc(hidden)]
pub trait EndingOfError<T> {
    /// How it ends.
    fn ending(&self, output: Result<T, Error>) -> Outcome<T>;
}

impl<T> EndingOfError<T> for &&&Output<Result<T, Error>> {
    #[inline]
    fn ending(&self, output: Result<T, Error>) -> Outcome<T> {
        Outcome(match output {
            Ok(value) => Settled::Value(value),
            Err(error) => Settled::Error(error),
        })
    }
}

/// `Result<T, ocaml::Error>`
#[doc(hidden)]
pub trait EndingOfOCamlError<T> {
    /// How it ends.
    fn ending(&self, output: Result<T, ocaml::Error>) -> Outcome<T>;
}

impl<T> EndingOfOCamlError<T> for &&Output<Result<T, ocaml::Error>> {
    #[inline]
    fn ending(&self, output: Result<T, ocaml::Error>) -> Outcome<T> {
        Outcome(match output {
            Ok(value) => Settled::Value(value),
            Err(error) => Settled::OCaml(error),
        })
    }
}

/// A type with an object.
#[doc(hidden)]
pub trait EndingOfObject<T: Give> {
    /// How it ends.
    fn ending(&self, output: T) -> Outcome<T::Given>;
}

impl<T: Give> EndingOfObject<T> for &Output<T> {
    fn ending(&self, output: T) -> Outcome<T::Given> {
        Outcome(Settled::Value(output.give()))
    }
}

/// Every other type.
#[doc(hidden)]
pub trait EndingOfValue<T> {
    /// How it ends.
    fn ending(&self, output: T) -> Outcome<T>;
}

impl<T> EndingOfValue<T> for Output<T> {
    #[inline]
    fn ending(&self, output: T) -> Outcome<T> {
        Outcome(Settled::Value(output))
    }
}
