//! The OCaml types of Rust types. The compiler resolves them, so an alias, a generic type at an instance and a type of another
//! crate come out right.
//!
//! 1. A description is for one direction, [`Coming`] or [`Going`], since each derive is for one. A record with both derives
//!    is described twice. Both descriptions have to be the same, or the declarations are refused.
//! 2. A record or variant is described once, with its parameters as [`Var`]s. Where it stands it is a name with arguments. The
//!    module `description` has those that were described.
//! 3. Nothing here touches OCaml's runtime: the program that asks for the descriptions does not run OCaml code of the
//!    crate's.

pub use super::description::{
    Constructor, Declared, Definition, Field, Label, Method, Parts, Type, Types,
};

/// The direction of [`FromOCaml`](crate::FromOCaml).
///
/// ```
/// use std::path::PathBuf;
///
/// use ocaml::{FromValue, Value};
/// use ocaml_lwt_interop::{Coming, FromOCaml, OCamlType, Type, Types};
///
/// /// A path, which OCaml has as a string.
/// pub struct FilePath(PathBuf);
///
/// // SAFETY: it is copied
/// unsafe impl FromValue for FilePath {
///     fn from_value(value: Value) -> Self {
///         FilePath(String::from_value(value).into())
///     }
/// }
///
/// // SAFETY: it is converted from a `string`
/// unsafe impl OCamlType<Coming> for FilePath {
///     fn ocaml_type(_: &mut Types) -> Type {
///         Type::named("string")
///     }
/// }
///
/// // SAFETY: nothing in it points into OCaml's heap
/// unsafe impl FromOCaml for FilePath {}
///
/// /// Whether the name of a file has an extension.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn has_extension(path: FilePath) -> bool {
///     path.0.extension().is_some()
/// }
/// ```
#[derive(Debug)]
pub enum Coming {}

/// The direction of [`ToOCaml`](crate::ToOCaml).
///
/// ```
/// use std::time::Duration;
///
/// use ocaml::{Runtime, ToValue, Value};
/// use ocaml_lwt_interop::{Going, OCamlType, ToOCaml, Type, Types};
///
/// /// A time, which OCaml has as a float of seconds.
/// pub struct Seconds(Duration);
///
/// // SAFETY: the float is rooted
/// unsafe impl ToValue for Seconds {
///     fn to_value(&self, runtime: &Runtime) -> Value {
///         self.0.as_secs_f64().to_value(runtime)
///     }
/// }
///
/// // SAFETY: it is converted to a `float`
/// unsafe impl OCamlType<Going> for Seconds {
///     fn ocaml_type(_: &mut Types) -> Type {
///         Type::named("float")
///     }
/// }
///
/// // SAFETY: nothing of it raises
/// unsafe impl ToOCaml for Seconds {}
///
/// /// So many milliseconds.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn milliseconds(count: u16) -> Seconds {
///     Seconds(Duration::from_millis(count.into()))
/// }
/// ```
#[derive(Debug)]
pub enum Going {}

/// A type that knows its OCaml type, from which declarations are written.
///
/// The types of the table in `doc/types.md` and the handles of this crate are, and so is what has a derive. A type that has an
/// `ocaml::FromValue` or an `ocaml::ToValue` of its own names a type that OCaml has already, for both directions:
///
/// ```
/// # use ocaml::FromValue;
/// # use ocaml_lwt_interop::{FromOCaml, OCamlType, Type, Types};
/// #[derive(FromValue)]
/// pub struct Version { major: isize, minor: isize }
///
/// // SAFETY: OCaml's `Geometry.version` is a record of two `int`s
/// unsafe impl<D> OCamlType<D> for Version {
///     fn ocaml_type(_: &mut Types) -> Type {
///         Type::named("Geometry.version")
///     }
/// }
/// // SAFETY: nothing in it points into OCaml's heap
/// unsafe impl FromOCaml for Version {}
///
/// /// Whether it is the first.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn is_first(version: Version) -> bool {
///     version.major == 1 && version.minor == 0
/// }
/// ```
///
/// A derive is of one direction, so a type that has one derive, and the other conversion by hand, is `OCamlType<Coming>` by hand
/// where it derives [`ToOCaml`](macro@crate::ToOCaml), and `OCamlType<Going>` where it derives
/// [`FromOCaml`](macro@crate::FromOCaml). What is written by hand is taken on trust, as in an `external`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say its OCaml type",
    label = "its OCaml type is not known",
    note = "a struct or enum of your own has `#[derive(ocaml_lwt_interop::FromOCaml, ocaml_lwt_interop::ToOCaml)]`, which say it",
    note = "a type with its own `ocaml::FromValue` or `ocaml::ToValue` names the type that OCaml has: `unsafe impl<D> \
            ocaml_lwt_interop::OCamlType<D> for {Self} {{ fn ocaml_type(_: &mut ocaml_lwt_interop::Types) -> \
            ocaml_lwt_interop::Type {{ ocaml_lwt_interop::Type::named(\"Module.t\") }} }}`"
)]
///
/// # Safety
/// What converts in this direction is a value of that type. A Rust type has one OCaml type, in whichever direction.
pub unsafe trait OCamlType<Direction> {
    /// Its OCaml type. Records and variants that it mentions are put into `types`.
    fn ocaml_type(types: &mut Types) -> Type;

    /// The OCaml type of a `Vec` of it.
    #[doc(hidden)]
    fn array_type(types: &mut Types) -> Type {
        Type::applied("array", [Self::ocaml_type(types)])
    }
}

/// The parameter of number `N`, where a record or variant is described.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Var<const N: usize>;

// SAFETY: it has no conversions
unsafe impl<D, const N: usize> OCamlType<D> for Var<N> {
    fn ocaml_type(_: &mut Types) -> Type {
        Type::var(N)
    }
}

#[cfg(test)]
#[path = "declare/tests.rs"]
mod tests;
