//! [`Provided`]: an implementation of OCaml's.

use std::ops::Deref;
use std::sync::Arc;

use super::contract::Interface;
use super::functions::{self, Functions};
use crate::caml::{Live, convert, lock::demand};
use crate::conversion::declare::{OCamlType, Type, Types};
use crate::conversion::float::Float;
use crate::conversion::{FromOCaml, ToOCaml};
use crate::received;

/// An implementation of an interface, by OCaml: what [`Host::get`](crate::host::Host::get) gives, and what an argument of a `#[func]`
/// may be. Any thread may hold it, clone it and call its functions.
///
/// ```
/// use ocaml_lwt_interop::{Error, interface, interface::Provided};
///
/// /// Something that gives numbers.
/// #[interface]
/// pub trait Numbers {
///     async fn next(&self) -> Result<isize, Error>;
/// }
///
/// /// The sum of two, asked for at the same time, from Tokio's threads.
/// #[ocaml_lwt_interop::func]
/// pub async fn two_of(numbers: Provided<dyn Numbers>) -> Result<isize, Error> {
///     let first = tokio::spawn(numbers.next());
///     let second = tokio::spawn(numbers.next());
///     Ok(first.await?? + second.await??)
/// }
/// ```
pub struct Provided<I: Interface + ?Sized> {
    implementation: Arc<I>,
    functions: Functions,
}

impl<I: Interface + ?Sized> Provided<I> {
    pub(super) fn new(functions: Functions) -> Self {
        Provided {
            implementation: I::implemented(functions.clone()),
            functions,
        }
    }

    /// As an object of the trait, which code that knows nothing of OCaml takes.
    pub fn into_arc(self) -> Arc<I> {
        self.implementation
    }
}

impl<I: Interface + ?Sized> Deref for Provided<I> {
    type Target = I;

    fn deref(&self) -> &I {
        &self.implementation
    }
}

impl<I: Interface + ?Sized> Clone for Provided<I> {
    fn clone(&self) -> Self {
        Provided {
            implementation: self.implementation.clone(),
            functions: self.functions.clone(),
        }
    }
}

impl<I: Interface + ?Sized> std::fmt::Debug for Provided<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Provided").field(&self.functions).finish()
    }
}

convert! {
    from [I: Interface + ?Sized] Provided<I>, |value| received::at_home("an implementation was received", |access, home| {
        let functions = Functions::of(access, home, &value);
        let functions = functions.filter(|all| all.count() == I::FUNCTIONS.len());
        Provided::new(functions.expect("an implementation is a record of the functions of its interface"))
    });
    to [I: Interface + ?Sized] Provided<I>, |this, _runtime| demand("an implementation was converted to an OCaml value", |access| {
        this.functions.value(access)
    });
}

// SAFETY: the record that the interface says
unsafe impl<D, I: Interface + ?Sized> OCamlType<D> for Provided<I> {
    fn ocaml_type(types: &mut Types) -> Type {
        I::ocaml_type(types)
    }
}

// SAFETY: keeps roots of the functions, and the rest is types
unsafe impl<I: Interface + ?Sized> FromOCaml for Provided<I> {
    const FLOAT: Float = Float::Never;

    fn has_shape(live: Live<'_>) -> bool {
        functions::count(live) == Some(I::FUNCTIONS.len())
    }
}

// SAFETY: gives the value that it keeps alive
unsafe impl<I: Interface + ?Sized> ToOCaml for Provided<I> {
    const FLOAT: Float = Float::Never;
}
