//! Whether a value can be read as a type. It is for values that come without a declaration, such as the arguments of an
//! exception. Each block is checked before its fields are read. What a value does not show, such as the arguments of a
//! function, is taken on trust.

use super::float::Float;
use crate::caml::Live;
use crate::stack;

/// What [`super::FromOCaml::has_shape`] is.
#[doc(hidden)]
pub type HasShape = fn(Live<'_>) -> bool;

/// Whether it is an `int`, or a constant constructor, from 0 to below `count`.
#[doc(hidden)]
pub fn is_constant(live: Live<'_>, count: usize) -> bool {
    let number = live.int().and_then(|number| usize::try_from(number).ok());
    number.is_some_and(|number| number < count)
}

/// Whether it is one of these `int`s: those of a polymorphic variant's tags without values.
#[doc(hidden)]
pub fn is_one_of(live: Live<'_>, numbers: &[isize]) -> bool {
    live.int().is_some_and(|number| numbers.contains(&number))
}

/// Whether it is a polymorphic variant's tag of that number with such a value.
#[doc(hidden)]
pub fn is_polymorphic(live: Live<'_>, number: isize, has_shape: HasShape) -> bool {
    let has_tag = |live: Live<'_>| is_one_of(live, &[number]);
    has_parts(live, 0, 2)
        && live.field(0).is_some_and(has_tag)
        && live.field(1).is_some_and(has_shape)
}

/// Whether it is a block of that tag with so many parts, which may be looked at.
fn has_parts(live: Live<'_>, tag: u8, parts: usize) -> bool {
    stack::check().is_ok() && live.is_tagged(tag) && live.size() == parts
}

/// Whether it is a block of that tag with such parts: that of a constructor, a record or a tuple.
#[doc(hidden)]
pub fn is_block(live: Live<'_>, tag: u8, parts: &[HasShape]) -> bool {
    let mut fields = live.fields().zip(parts);
    has_parts(live, tag, parts.len()) && fields.all(|(field, has_shape)| has_shape(field))
}

/// Whether it is a record with such fields.
#[doc(hidden)]
pub fn is_record(live: Live<'_>, fields: Float, parts: &[HasShape]) -> bool {
    match fields {
        Float::Always => live.doubles() == Some(parts.len()),
        // A flat one has no values whose shapes could be asked for.
        Float::Never | Float::Maybe => is_block(live, 0, parts),
    }
}

/// Whether it is an array with such elements. One without elements has the tag 0.
pub(super) fn is_array(live: Live<'_>, elements: Float, has_shape: HasShape) -> bool {
    match live.is_flat() {
        true => elements != Float::Never,
        false => live.is_tagged(0) && live.fields().all(has_shape),
    }
}

/// Whether it is a list with such elements.
pub(super) fn is_list(mut live: Live<'_>, has_shape: HasShape) -> bool {
    while live.is_tagged(0) && live.size() == 2 && live.field(0).is_some_and(has_shape) {
        let Some(tail) = live.field(1) else { break };
        live = tail;
    }
    live.int() == Some(0)
}
