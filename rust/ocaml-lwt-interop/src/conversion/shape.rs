//! Whether a value can be read as a type. It is for values that come without a declaration, such as the arguments of an
//! exception. Each block is checked before its fields are read. What a value does not show, such as the arguments of a
//! function, is taken on trust.

use ocaml::sys;

use super::float::Float;
use crate::caml::{self, Raw, alloc};
use crate::stack;

/// What [`super::FromOCaml::has_shape`] is.
#[doc(hidden)]
pub type HasShape = unsafe fn(Raw) -> bool;

/// Whether it is an `int`, or a constant constructor, from 0 to below `count`.
///
/// # Safety
/// None beyond that of a live value.
#[doc(hidden)]
pub unsafe fn is_constant(value: Raw, count: usize) -> bool {
    caml::is_immediate(value)
        && usize::try_from(caml::int_val(value)).is_ok_and(|number| number < count)
}

/// Whether it is one of these `int`s: those of a polymorphic variant's tags without values.
///
/// # Safety
/// None beyond that of a live value.
#[doc(hidden)]
pub unsafe fn is_one_of(value: Raw, numbers: &[isize]) -> bool {
    caml::is_immediate(value) && numbers.contains(&caml::int_val(value))
}

/// Whether it is a polymorphic variant's tag of that number with such a value.
///
/// # Safety
/// As for [`is_block`].
#[doc(hidden)]
pub unsafe fn is_polymorphic(value: Raw, number: isize, has_shape: HasShape) -> bool {
    // SAFETY: as the caller's; a block of tag 0 and two fields is looked into once it is known to be one
    unsafe {
        is_block(value, 0, &[is_any, is_any])
            && is_one_of(caml::field(value, 0), &[number])
            && has_shape(caml::field(value, 1))
    }
}

/// # Safety
/// None beyond that of a live value.
unsafe fn is_any(_: Raw) -> bool {
    true
}

/// Whether it is a block of that tag with such parts.
///
/// # Safety
/// The runtime lock is held; the value is live. No allocation.
#[doc(hidden)]
pub unsafe fn is_block(value: Raw, tag: u8, parts: &[HasShape]) -> bool {
    // SAFETY: as the caller's; a block whose tag is that of a constructor, a record or a tuple has values in its fields
    unsafe {
        stack::check().is_ok()
            && !caml::is_immediate(value)
            && caml::tag(value) == tag
            && sys::wosize_val(value.0) == parts.len()
            && (0..)
                .zip(parts)
                .all(|(i, has_shape)| has_shape(caml::field(value, i)))
    }
}

/// Whether it is a record with such fields.
///
/// # Safety
/// As for [`is_block`].
#[doc(hidden)]
pub unsafe fn is_record(value: Raw, fields: Float, parts: &[HasShape]) -> bool {
    // SAFETY: as the caller's
    unsafe {
        match fields {
            Float::Always => {
                is_tagged(value, alloc::DOUBLE_ARRAY_TAG)
                    && alloc::array_length(value) == parts.len()
            }
            // A flat one has no values whose shapes could be asked for.
            Float::Never | Float::Maybe => is_block(value, 0, parts),
        }
    }
}

/// Whether it is an array with such elements.
///
/// # Safety
/// As for [`is_block`].
pub(super) unsafe fn is_array(value: Raw, elements: Float, has_shape: HasShape) -> bool {
    // SAFETY: as the caller's; an array without elements has the tag 0
    unsafe {
        if is_tagged(value, alloc::DOUBLE_ARRAY_TAG) {
            return elements != Float::Never;
        }
        is_tagged(value, 0)
            && (0..sys::wosize_val(value.0)).all(|i| has_shape(caml::field(value, i)))
    }
}

/// Whether it is a list with such elements.
///
/// # Safety
/// As for [`is_block`].
pub(super) unsafe fn is_list(mut value: Raw, has_shape: HasShape) -> bool {
    // SAFETY: as the caller's
    unsafe {
        while is_tagged(value, 0)
            && sys::wosize_val(value.0) == 2
            && has_shape(caml::field(value, 0))
        {
            value = caml::field(value, 1);
        }
        value.0 == sys::EMPTY_LIST
    }
}

/// Whether it is a block of that tag.
///
/// # Safety
/// As for [`is_block`].
pub(crate) unsafe fn is_tagged(value: Raw, tag: u8) -> bool {
    // SAFETY: as the caller's
    unsafe { !caml::is_immediate(value) && caml::tag(value) == tag }
}
