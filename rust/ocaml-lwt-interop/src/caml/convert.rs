//! ocaml-rs's conversions of the types of this crate.

/// Implements them: `from` a value, and `to` one.
///
/// What a body is given is safe, and so is what it gives: a type of this crate has of OCaml's what is copied, or has a root; and a
/// value that a function gives is rooted, or immediate.
macro_rules! convert {
    () => {};
    (from [$($generics:tt)*] $ty:ty, |$value:ident| $how:expr; $($rest:tt)*) => {
        // SAFETY: nothing in it points into OCaml's heap, but by a root
        unsafe impl<$($generics)*> ::ocaml::FromValue for $ty {
            /// # Panics
            /// When the value is refused. Where OCaml values may not be touched now.
            fn from_value($value: ::ocaml::Value) -> Self {
                $how
            }
        }
        $crate::caml::convert! { $($rest)* }
    };
    (to [$($generics:tt)*] $ty:ty, |$this:ident, $runtime:ident| $how:expr; $($rest:tt)*) => {
        // SAFETY: the value is rooted, or immediate
        unsafe impl<$($generics)*> ::ocaml::ToValue for $ty {
            /// # Panics
            /// Where OCaml values may not be touched now.
            fn to_value(&self, $runtime: &::ocaml::Runtime) -> ::ocaml::Value {
                let $this = self;
                $how
            }
        }
        $crate::caml::convert! { $($rest)* }
    };
}
pub(crate) use convert;
