//! What the generated code says of functions and their types.

use std::marker::PhantomData;

use super::__private::{Error, OCamlError, RustStream};

pub struct FunctionArgument {
    pub name: &'static str,
    pub label: Label,
    pub ty: fn(&mut declare::Types) -> declare::Type,
}

pub enum Label {
    None,
    Labelled(&'static str),
    Optional(&'static str),
}

pub enum Declaration {
    Function(Function),
}

/// What a function says of itself.
pub struct Function {
    pub symbol: &'static str,
    pub name: &'static str,
    pub module: &'static str,
    pub place: (&'static str, u32),
    pub docs: &'static [&'static str],
    pub arguments: &'static [FunctionArgument],
    pub result: fn(&mut declare::Types) -> declare::Type,
    pub promise: bool,
    pub twin: bool,
}

/// A type is what Rust calls it.
pub mod declare {
    pub struct Types;
    pub struct Coming;
    pub struct Going;

    pub struct Type(pub String);

    pub trait OCamlType<Direction> {
        fn ocaml_type(types: &mut Types) -> Type;
    }

    impl<D, T> OCamlType<D> for T {
        fn ocaml_type(_: &mut Types) -> Type {
            Type(std::any::type_name::<T>().to_owned())
        }
    }
}

pub struct Described<T, D>(PhantomData<(T, D)>);

impl<T, D> Described<T, D> {
    pub const NEW: Self = Described(PhantomData);

    pub fn stream(self) -> Described<RustStream<T>, D> {
        Described::NEW
    }
}

pub trait Known {
    fn ocaml_type(&self, types: &mut declare::Types) -> declare::Type;
}

impl<T: declare::OCamlType<D>, D> Known for &Described<T, D> {
    fn ocaml_type(&self, types: &mut declare::Types) -> declare::Type {
        T::ocaml_type(types)
    }
}

pub trait Unknown {
    fn ocaml_type(&self, types: &mut declare::Types) -> declare::Type;
}

impl<T, D> Unknown for Described<T, D> {
    fn ocaml_type(&self, _: &mut declare::Types) -> declare::Type {
        declare::Type("unknown".to_owned())
    }
}

pub struct Returned<R>(PhantomData<R>);

impl<R> Returned<R> {
    pub const NEW: Self = Returned(PhantomData);
}

pub trait ReturnedError<T> {
    fn plain(&self) -> Described<T, declare::Going>;
}

impl<T> ReturnedError<T> for &&Returned<Result<T, Error>> {
    fn plain(&self) -> Described<T, declare::Going> {
        Described::NEW
    }
}

pub trait ReturnedOCamlError<T> {
    fn plain(&self) -> Described<T, declare::Going>;
}

impl<T> ReturnedOCamlError<T> for &Returned<Result<T, OCamlError>> {
    fn plain(&self) -> Described<T, declare::Going> {
        Described::NEW
    }
}

pub trait ReturnedValue<T> {
    fn plain(&self) -> Described<T, declare::Going>;
}

impl<T> ReturnedValue<T> for Returned<T> {
    fn plain(&self) -> Described<T, declare::Going> {
        Described::NEW
    }
}
