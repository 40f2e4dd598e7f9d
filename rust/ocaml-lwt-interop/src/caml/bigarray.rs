//! Bigarrays, as they lie in memory.
//!
//! A Bigarray is a custom block with a pointer to its elements, which lie outside of OCaml's heap: the GC moves the block, and
//! never them (`caml/bigarray.h`, the same from 4.13 to 5.4). `loan.rs` lends them to Rust,
//! `owned_array.rs` makes one of Rust's memory.

use std::ffi::CStr;
use std::ptr::NonNull;
use std::sync::atomic::AtomicIsize;

use ocaml::sys;

use super::live::Live;
use super::value::Raw;

/// `CAML_BA_MAX_NUM_DIMS`
pub(crate) const MOST_DIMS: usize = 16;

// Parts of `flags`.
const KIND: isize = 0xff;
const FORTRAN_LAYOUT: isize = 0x100;
pub(super) const MANAGED: isize = 0x200;
pub(super) const MAPPED_FILE: isize = 0x400;
pub(super) const OWNER: isize = 0x600;
/// Ours: not in use by any version. It fits into an `int`, as which the runtime passes flags on.
pub(super) const LENT: isize = 1 << 30;

/// What the elements are; the numbers are the runtime's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(isize)]
#[allow(missing_docs)]
pub enum Kind {
    Float32 = 0,
    Float64 = 1,
    Int8Signed = 2,
    Int8Unsigned = 3,
    Int16Signed = 4,
    Int16Unsigned = 5,
    Int32 = 6,
    Int64 = 7,
    Int = 8,
    Nativeint = 9,
    Complex32 = 10,
    Complex64 = 11,
    Char = 12,
}

/// As `Bigarray` calls them; the last one since OCaml 5.2.
const NAMES: [&str; 14] = [
    "float32",
    "float64",
    "int8_signed",
    "int8_unsigned",
    "int16_signed",
    "int16_unsigned",
    "int32",
    "int64",
    "int",
    "nativeint",
    "complex32",
    "complex64",
    "char",
    "float16",
];

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// `struct caml_ba_array`
#[repr(C)]
pub(super) struct Array {
    pub(super) data: *mut u8,
    pub(super) num_dims: isize,
    pub(super) flags: isize,
    pub(super) proxy: *mut Proxy,
    pub(super) dims: [isize; 0],
}

/// `struct caml_ba_proxy`
#[repr(C)]
pub(super) struct Proxy {
    pub(super) count: AtomicIsize,
    pub(super) data: *mut u8,
    pub(super) size: usize,
}

pub(super) fn array_of(block: Raw) -> *mut Array {
    // The data of a custom block begins after the pointer to its operations (`mlvalues.h`: Data_custom_val).
    (block.0 as *mut sys::Value).wrapping_add(1).cast()
}

/// Why an array cannot be lent, or not even read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    NotBigarray,
    Kind(&'static str),
    Fortran,
    Dims(usize),
    Lent,
    /// With so many others.
    Shared(isize),
    Foreign,
    Misaligned,
}

/// The elements of an array, in order; the first may stand anywhere if there are none.
pub(crate) struct Elements<const N: usize> {
    pub(crate) data: NonNull<u8>,
    pub(crate) dims: [usize; N],
}

impl<const N: usize> Elements<N> {
    pub(crate) fn count(&self) -> usize {
        self.dims.iter().product()
    }
}

/// A Bigarray, if the value is one. No allocation.
pub(super) fn array_if_one(live: Live<'_>) -> Option<*mut Array> {
    // The second name is that of mapped files.
    const NAMES: [&CStr; 2] = [c"_bigarr02", c"_bigarray"];
    live.is_called(&NAMES).then(|| array_of(live.raw()))
}

/// The elements of an array of that kind, which is not lent. They may be shared. No allocation.
pub(crate) fn elements<const N: usize>(live: Live<'_>, kind: Kind) -> Result<Elements<N>, Unfit> {
    let array = array_if_one(live).ok_or(Unfit::NotBigarray)?;
    // SAFETY: the fields of a live Bigarray, which has as many dimensions as it says
    unsafe {
        let flags = (*array).flags;
        if flags & KIND != kind as isize {
            let name = NAMES.get((flags & KIND) as usize).copied();
            return Err(Unfit::Kind(name.unwrap_or("unknown")));
        }
        if flags & FORTRAN_LAYOUT != 0 {
            return Err(Unfit::Fortran);
        }
        if flags & LENT != 0 {
            return Err(Unfit::Lent);
        }
        if (*array).num_dims as usize != N {
            return Err(Unfit::Dims((*array).num_dims as usize));
        }
        let dims = (&raw const (*array).dims).cast::<[usize; N]>().read();
        Ok(Elements {
            data: NonNull::new((*array).data).unwrap_or(NonNull::dangling()),
            dims,
        })
    }
}
