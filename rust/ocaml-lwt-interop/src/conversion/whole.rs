//! Types that cross as a whole: handles, and others of which ocaml-rs's conversion is all there is to say.

/// Says of such types that they cross, `from` OCaml and `to` OCaml; and of which type they are there, `declare`d.
///
/// Their conversions are those of [`caml::convert`](crate::caml::convert), which keep what is OCaml's by roots, and do not raise.
/// None is OCaml's `float`.
macro_rules! whole {
    () => {};
    (from [$($generics:tt)*] $ty:ty $(, |$live:ident| $has_shape:expr)?; $($rest:tt)*) => {
        // SAFETY: nothing in it points into OCaml's heap, but by a root
        unsafe impl<$($generics)*> $crate::FromOCaml for $ty {
            const FLOAT: $crate::conversion::float::Float = $crate::conversion::float::Float::Never;

            $(fn has_shape($live: $crate::caml::Live<'_>) -> bool {
                $has_shape
            })?
        }
        $crate::conversion::whole! { $($rest)* }
    };
    (to [$($generics:tt)*] $ty:ty; $($rest:tt)*) => {
        // SAFETY: the value is rooted, and making it does not raise
        unsafe impl<$($generics)*> $crate::ToOCaml for $ty {
            const FLOAT: $crate::conversion::float::Float = $crate::conversion::float::Float::Never;
        }
        $crate::conversion::whole! { $($rest)* }
    };
    (declare [$($generics:tt)*] $ty:ty, |$types:ident| $how:expr; $($rest:tt)*) => {
        // SAFETY: so it is said beside its conversions
        unsafe impl<Direction, $($generics)*> $crate::OCamlType<Direction> for $ty {
            fn ocaml_type($types: &mut $crate::Types) -> $crate::Type {
                $how
            }
        }
        $crate::conversion::whole! { $($rest)* }
    };
}
pub(crate) use whole;
