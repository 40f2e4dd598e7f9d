//! [`Element`]: what Bigarrays have, and what they are called.

use crate::caml::bigarray::{Kind, Unfit};
use crate::conversion::declare::Type;
use crate::values::Nativeint;

/// The element of a Bigarray.
///
/// | Rust | OCaml | |
/// |---|---|---|
/// | `u8` | `char` | `int8_unsigned_elt` |
/// | [`Uint8`] | `int` | `int8_unsigned_elt` |
/// | `i8`, `i16`, `u16` | `int` | `int8_signed_elt`, `int16_signed_elt`, `int16_unsigned_elt` |
/// | `i32` | `int32` | `int32_elt` |
/// | `i64` | `int64` | `int64_elt` |
/// | `isize` | `int`, which has 63 bits: the highest is lost | `int_elt` |
/// | [`Nativeint`] | `nativeint` | `nativeint_elt` |
/// | `f32`, `f64` | `float` | `float32_elt`, `float64_elt` |
/// | [`Complex<f32>`](Complex), `Complex<f64>` | `Complex.t` | `complex32_elt`, `complex64_elt` |
///
/// # Safety
/// It lies in memory as the runtime's kind does. Every pattern of bits is a value of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the element of a Bigarray",
    label = "not the element of a Bigarray",
    note = "the elements are u8 (OCaml's `char`), arrays::Uint8, i8, i16, u16, i32, i64, isize, Nativeint, f32, f64, and \
            arrays::Complex; OCaml has no unsigned kind of 32 and 64 bits: take i32 or i64, and cast"
)]
pub unsafe trait Element: Copy + Send + Sync + 'static {
    /// The runtime's kind.
    #[doc(hidden)]
    const KIND: Kind;
    /// The first two parameters of OCaml's type.
    #[doc(hidden)]
    const TYPES: [&'static str; 2];
}

/// A byte that OCaml takes for an `int`, in an `(int, Bigarray.int8_unsigned_elt, …)` array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Uint8(pub u8);

/// A complex number, which is OCaml's `Complex.t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
#[repr(C)]
pub struct Complex<F> {
    /// The real part.
    pub re: F,
    /// The imaginary part.
    pub im: F,
}

macro_rules! elements {
    ($($ty:ty: $kind:ident, $ocaml:literal, $representation:literal;)*) => {$(
        // SAFETY: a number, or a pair of such, as `caml_ba_get_N` reads it (`runtime/bigarray.c`)
        unsafe impl Element for $ty {
            const KIND: Kind = Kind::$kind;
            const TYPES: [&'static str; 2] = [$ocaml, concat!("Bigarray.", $representation)];
        }
    )*};
}

elements! {
    u8: Char, "char", "int8_unsigned_elt";
    Uint8: Int8Unsigned, "int", "int8_unsigned_elt";
    i8: Int8Signed, "int", "int8_signed_elt";
    u16: Int16Unsigned, "int", "int16_unsigned_elt";
    i16: Int16Signed, "int", "int16_signed_elt";
    i32: Int32, "int32", "int32_elt";
    i64: Int64, "int64", "int64_elt";
    isize: Int, "int", "int_elt";
    Nativeint: Nativeint, "nativeint", "nativeint_elt";
    f32: Float32, "float", "float32_elt";
    f64: Float64, "float", "float64_elt";
    Complex<f32>: Complex32, "Complex.t", "complex32_elt";
    Complex<f64>: Complex64, "Complex.t", "complex64_elt";
}

/// OCaml's type of an array of `N` dimensions.
pub(super) fn ocaml_type<T: Element, const N: usize>() -> Type {
    let path = match N {
        0 => {
            return Type::refused(
                "an array without dimensions has one element: take that by itself",
            );
        }
        1 => "Bigarray.Array1.t",
        2 => "Bigarray.Array2.t",
        3 => "Bigarray.Array3.t",
        _ => "Bigarray.Genarray.t",
    };
    let [element, representation] = T::TYPES;
    Type::applied(
        path,
        [element, representation, "Bigarray.c_layout"].map(Type::named),
    )
}

/// Says why an array is refused.
#[cold]
pub(super) fn refuse<T: Element, const N: usize>(unfit: Unfit) -> ! {
    let kind = T::KIND.name();
    match unfit {
        Unfit::NotBigarray => {
            panic!("not a Bigarray, where one of kind {kind} was asked for")
        }
        Unfit::Kind(other) => {
            panic!("a Bigarray of kind {other}, where {kind} was asked for")
        }
        Unfit::Fortran => panic!(
            "a Bigarray of fortran_layout, where c_layout was asked for: make it with Bigarray.c_layout, or use \
             Bigarray.Genarray.change_layout"
        ),
        Unfit::Dims(dims) => panic!(
            "a Bigarray of {dims} dimensions, where {N} were asked for: use Bigarray.reshape"
        ),
        Unfit::Lent => panic!(
            "a Bigarray that is lent to Rust, by a call that has not ended or as another argument of this one: wait until it \
             comes back, or pass another one"
        ),
        Unfit::Shared(others) => panic!(
            "a Bigarray that shares its memory with {others} others (Bigarray sub, slice, reshape and change_layout, or \
             Lwt_bytes.proxy), through which OCaml could use it while it is lent: pass the whole array and say which part, or \
             copy the part; one that is not in use any more counts until it is collected"
        ),
        Unfit::Foreign => panic!(
            "a Bigarray whose memory is not OCaml's own, a mapped file or what a C library made, so that others could use it while it \
             is lent: copy it into a Bigarray that OCaml made, or have the Rust function take an OwnedArray, which is a copy"
        ),
        Unfit::Misaligned => panic!(
            "a Bigarray whose elements are not aligned as Rust's are: have the Rust function take an OwnedArray, which is a copy"
        ),
    }
}
