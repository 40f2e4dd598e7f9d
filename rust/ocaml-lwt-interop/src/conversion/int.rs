//! Numbers that do not fit. A conversion refuses them with a panic, as those of ocaml-rs do. In an argument of a `#[func]`
//! the panic becomes `Invalid_argument`, with the names of the function and the argument. On the way to OCaml it stays a
//! panic.

use std::fmt::Display;

/// The bits of an OCaml `int`: one of a word is the tag.
const MOST: isize = isize::MAX >> 1;
const LEAST: isize = isize::MIN >> 1;

/// An OCaml number as a Rust type that may be too small for it, or have no sign.
#[inline]
pub(super) fn narrow<N: Copy + Display, T: TryFrom<N> + Bounded>(number: N) -> T {
    match T::try_from(number) {
        Ok(converted) => converted,
        Err(_) => does_not_fit(number, T::NAME, T::RANGE),
    }
}

/// The Rust types that [`narrow`] gives.
pub(super) trait Bounded {
    const NAME: &'static str;
    const RANGE: (i128, i128);
}

macro_rules! bounded {
    ($($ty:ident)*) => {$(
        impl Bounded for $ty {
            const NAME: &'static str = concat!("a Rust ", stringify!($ty));
            const RANGE: (i128, i128) = ($ty::MIN as i128, $ty::MAX as i128);
        }
    )*};
}

bounded!(u8 i8 u16 i16 u32 u64 usize);

/// As an OCaml `int`.
#[inline]
pub(crate) fn to_int(number: isize) -> isize {
    if (LEAST..=MOST).contains(&number) {
        number
    } else {
        does_not_fit(number, "an OCaml int", (LEAST as i128, MOST as i128))
    }
}

/// As an OCaml `int`.
#[inline]
pub(super) fn unsigned_to_int(number: usize) -> isize {
    match isize::try_from(number) {
        Ok(converted) if converted <= MOST => converted,
        _ => does_not_fit(number, "an OCaml int", (LEAST as i128, MOST as i128)),
    }
}

/// As an OCaml `int32`.
#[inline]
pub(super) fn to_int32(number: u32) -> i32 {
    i32::try_from(number).unwrap_or_else(|_| {
        does_not_fit(number, "an OCaml int32", (i32::MIN.into(), i32::MAX.into()))
    })
}

/// As an OCaml `int64`.
#[inline]
pub(super) fn to_int64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or_else(|_| {
        does_not_fit(number, "an OCaml int64", (i64::MIN.into(), i64::MAX.into()))
    })
}

#[cold]
#[inline(never)]
fn does_not_fit(number: impl Display, what: &str, (least, most): (i128, i128)) -> ! {
    panic!("{number} does not fit into {what}, which is from {least} to {most}")
}
