//! What a function of an interface returns, and what OCaml's function gives for it. These are the rules of a `#[func]`'s result, the
//! other way round.
//!
//! | Rust's function returns | OCaml's gives | an OCaml exception is |
//! |---|---|---|
//! | `Result<T, Error>` | a `T` | that [`Error`] |
//! | any other `Result<T, E>` | a `result` | an `E`, by its `From<Error>` |
//! | any other `T` | a `T` | a panic |
//!
//! The macro writes `(&&&Gives::<R>::NEW).kind()`, which finds the first of these that holds.

use std::marker::PhantomData;

use crate::conversion::FromOCaml;
use crate::conversion::declare::{Coming, OCamlType, Type, Types};
use crate::error::Error;

/// What the compiler says that a function returns.
#[derive(Debug)]
pub struct Gives<R>(PhantomData<fn() -> R>);

impl<R> Gives<R> {
    /// The only value.
    pub const NEW: Self = Gives(PhantomData);
}

/// How what OCaml gives becomes what Rust's function returns.
pub trait MethodResult<R>: 'static {
    /// What is converted.
    type Value: FromOCaml + Send + 'static;
    /// The end of a call. `name` is for messages.
    fn end(ended: Result<Self::Value, Error>, name: &'static str) -> R;
}

/// The OCaml type of what is given.
pub trait MethodType {
    /// For the declarations.
    fn ocaml_type(&self, types: &mut Types) -> Type;
}

/// `Result<T, Error>`
#[derive(Debug)]
pub struct OfError<T>(PhantomData<fn() -> T>);

impl<T: FromOCaml + Send + 'static> MethodResult<Result<T, Error>> for OfError<T> {
    type Value = T;

    fn end(ended: Result<T, Error>, _: &'static str) -> Result<T, Error> {
        ended
    }
}

/// Any other `Result`
#[derive(Debug)]
pub struct OfResult<T, E>(PhantomData<fn() -> (T, E)>);

impl<T, E> MethodResult<Result<T, E>> for OfResult<T, E>
where
    Result<T, E>: FromOCaml + Send + 'static,
    T: 'static,
    E: From<Error> + 'static,
{
    type Value = Result<T, E>;

    fn end(ended: Result<Result<T, E>, Error>, _: &'static str) -> Result<T, E> {
        ended?
    }
}

/// What is no `Result`
#[derive(Debug)]
pub struct OfValue<T>(PhantomData<fn() -> T>);

impl<T: FromOCaml + Send + 'static> MethodResult<T> for OfValue<T> {
    type Value = T;

    /// # Panics
    /// With the error, for which the function has no place.
    fn end(ended: Result<T, Error>, name: &'static str) -> T {
        ended.unwrap_or_else(|error| {
            panic!(
                "{name} failed, and its result has no place for an error (a Result has one): {error}"
            )
        })
    }
}

impl<T: OCamlType<Coming>> MethodType for OfError<T> {
    fn ocaml_type(&self, types: &mut Types) -> Type {
        T::ocaml_type(types)
    }
}

impl<T, E> MethodType for OfResult<T, E>
where
    Result<T, E>: OCamlType<Coming>,
{
    fn ocaml_type(&self, types: &mut Types) -> Type {
        <Result<T, E>>::ocaml_type(types)
    }
}

impl<T: OCamlType<Coming>> MethodType for OfValue<T> {
    fn ocaml_type(&self, types: &mut Types) -> Type {
        T::ocaml_type(types)
    }
}

/// Finds `OfError`.
pub trait GivesError {
    /// How it ends.
    type Kind;
    /// How it ends.
    fn kind(&self) -> Self::Kind;
}

impl<T> GivesError for &&Gives<Result<T, Error>> {
    type Kind = OfError<T>;
    fn kind(&self) -> OfError<T> {
        OfError(PhantomData)
    }
}

/// Finds `OfResult`.
pub trait GivesResult {
    /// How it ends.
    type Kind;
    /// How it ends.
    fn kind(&self) -> Self::Kind;
}

impl<T, E> GivesResult for &Gives<Result<T, E>> {
    type Kind = OfResult<T, E>;
    fn kind(&self) -> OfResult<T, E> {
        OfResult(PhantomData)
    }
}

/// Finds `OfValue`.
pub trait GivesValue {
    /// How it ends.
    type Kind;
    /// How it ends.
    fn kind(&self) -> Self::Kind;
}

impl<T> GivesValue for Gives<T> {
    type Kind = OfValue<T>;
    fn kind(&self) -> OfValue<T> {
        OfValue(PhantomData)
    }
}
