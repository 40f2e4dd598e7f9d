//! What an OCaml exception is. Sometimes nothing but somebody's promise says that a value is an exception. There we check it
//! before we read its fields.
//!
//! 1. A constructor is a block of `Object_tag` with two fields, its name and its number (OCaml 4.13 to 5.4,
//!    `translcore.ml`, `transl_extension_constructor`).
//! 2. A constant exception is its constructor. An exception with arguments is a block of tag 0. Field 0 is its constructor,
//!    and its arguments follow. The constructor does not say how many there are.

use ocaml::sys;

use super::alloc::{CUSTOM_TAG, DOUBLE_ARRAY_TAG, NO_SCAN_TAG, STRING_TAG};
use super::value::{Raw, field, int_val, is_immediate, tag};

/// `Object_tag` (`mlvalues.h`).
const OBJECT_TAG: u8 = 248;
/// `Lazy_tag`, `Forward_tag`, `Forcing_tag`: a value of a type that may also be represented by another's.
const LAZY_TAGS: [u8; 3] = [246, 250, 244];

/// The last tag of a block that is a constructor, on every version (`Obj.last_non_constant_constructor_tag`: 243 on OCaml 5).
const LAST_CONSTRUCTOR_TAG: u8 = 243;

/// Whether it is the constructor of an exception (rule 1).
///
/// # Safety
/// `v` is live. No allocation.
pub(crate) unsafe fn is_exception_constructor(v: Raw) -> bool {
    // SAFETY: as the caller's; each is looked at before it is looked into
    unsafe {
        !is_immediate(v)
            && tag(v) == OBJECT_TAG
            && sys::wosize_val(v.0) == 2
            && is_string(field(v, 0))
            && is_immediate(field(v, 1))
    }
}

/// The constructor of an exception, or nothing for a value that is none (rule 2).
///
/// # Safety
/// As for [`is_exception_constructor`]. The result is not rooted.
pub(crate) unsafe fn exception_constructor(v: Raw) -> Option<Raw> {
    // SAFETY: as the caller's; each is looked at before it is looked into
    unsafe {
        if is_exception_constructor(v) {
            return Some(v);
        }
        let is_block = !is_immediate(v) && tag(v) == 0 && sys::wosize_val(v.0) > 1;
        is_block
            .then(|| field(v, 0))
            .filter(|constructor| is_exception_constructor(*constructor))
    }
}

/// How many arguments an exception has.
///
/// # Safety
/// As for [`is_exception_constructor`]; it is an exception.
pub(crate) unsafe fn exception_arguments(exception: Raw) -> usize {
    // SAFETY: as the caller's
    unsafe {
        match tag(exception) {
            0 => sys::wosize_val(exception.0) - 1,
            _ => 0,
        }
    }
}

/// The number of a constructor, of which no two are the same.
///
/// # Safety
/// As for [`is_exception_constructor`]; it is one.
pub(crate) unsafe fn constructor_number(constructor: Raw) -> isize {
    // SAFETY: as the caller's
    int_val(unsafe { field(constructor, 1) })
}

/// # Safety
/// As for [`is_exception_constructor`].
pub(crate) unsafe fn is_string(v: Raw) -> bool {
    // SAFETY: as the caller's
    unsafe { !is_immediate(v) && tag(v) == STRING_TAG }
}

/// How far into the blocks of two values [`is_like`] looks.
const DEPTH: usize = 8;

/// Whether a value may be of the type of another one: both are numbers of the same kind, or strings, or neither is; so are the
/// fields of blocks of one tag and size, down to a depth. What is in other blocks is not looked at.
///
/// # Safety
/// As for [`is_exception_constructor`], for both.
pub(crate) unsafe fn is_like(v: Raw, sample: Raw) -> bool {
    // SAFETY: as the caller's
    unsafe { is_like_to(DEPTH, v, sample) }
}

/// # Safety
/// As for [`is_like`].
unsafe fn is_like_to(depth: usize, v: Raw, sample: Raw) -> bool {
    // SAFETY: as the caller's; a custom block has its operations in its first word (`custom.h`), and a block whose tag is that of
    // a constructor, a record or a tuple has live values in its fields
    unsafe {
        let kind = |v| match is_immediate(v) {
            true => None,
            false => Some(tag(v)).filter(|tag| *tag >= NO_SCAN_TAG && *tag != DOUBLE_ARRAY_TAG),
        };
        if !is_immediate(sample) && LAZY_TAGS.contains(&tag(sample)) {
            return true;
        }
        let of_kind = match (kind(v), kind(sample)) {
            (Some(CUSTOM_TAG), Some(CUSTOM_TAG)) => field(v, 0).0 == field(sample, 0).0,
            (kind, of_sample) => kind == of_sample,
        };
        let fields = |v: Raw| {
            (!is_immediate(v) && tag(v) <= LAST_CONSTRUCTOR_TAG)
                .then(|| (tag(v), sys::wosize_val(v.0)))
        };
        of_kind
            && match (fields(v), fields(sample)) {
                (Some((tag, size)), Some(of_sample)) if depth > 0 && (tag, size) == of_sample => {
                    (0..size).all(|i| is_like_to(depth - 1, field(v, i), field(sample, i)))
                }
                _ => true,
            }
    }
}
