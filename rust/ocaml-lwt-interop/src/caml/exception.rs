//! What an OCaml exception is. Sometimes nothing but somebody's promise says that a value is an exception. There we check it
//! before we read its fields.
//!
//! 1. A constructor is a block of `Object_tag` with two fields, its name and its number (OCaml 4.13 to 5.4,
//!    `translcore.ml`, `transl_extension_constructor`).
//! 2. A constant exception is its constructor. An exception with arguments is a block of tag 0. Field 0 is its constructor,
//!    and its arguments follow. The constructor does not say how many there are.

use super::call::NamedValue;
use super::live::{LAST_CONSTRUCTOR_TAG, Live, OBJECT_TAG};
use super::lock::Access;
use super::typed::{Given, Typed, types};
use super::value::{DOUBLE_ARRAY_TAG, NO_SCAN_TAG};

/// `Lazy_tag`, `Forward_tag`, `Forcing_tag`: a value of a type that may also be represented by another's.
const LAZY_TAGS: [u8; 3] = [246, 250, 244];

/// The number of a constructor, if it is one (rule 1).
fn number_of(live: Live<'_>) -> Option<isize> {
    let is_one = live.is_tagged(OBJECT_TAG) && live.size() == 2;
    let has_name = live.field(0).is_some_and(Live::is_string);
    live.field(1)?.int().filter(|_| is_one && has_name)
}

/// The constructor, if it is an exception (rule 2).
fn constructor_of(live: Live<'_>) -> Option<Live<'_>> {
    if number_of(live).is_some() {
        return Some(live);
    }
    let is_block = live.is_tagged(0) && live.size() > 1;
    live.field(0)
        .filter(|constructor| is_block && number_of(*constructor).is_some())
}

/// How many arguments an exception has.
fn arguments_of(live: Live<'_>) -> usize {
    match live.tag() {
        Some(0) => live.size() - 1,
        _ => 0,
    }
}

/// A value as an exception, if it is one.
pub(crate) fn as_exception(
    access: Access<'_>,
    value: &ocaml::Value,
) -> Option<Typed<types::Exception>> {
    let live = Live::of(access, value);
    constructor_of(live)?;
    // SAFETY: it is built as one
    Some(unsafe { Typed::of(live) })
}

/// Its name, as OCaml has it.
pub(crate) fn exception_name(
    access: Access<'_>,
    exception: &Typed<types::Exception>,
) -> Option<Vec<u8>> {
    let constructor = constructor_of(Live::of(access, exception.value()))?;
    Some(constructor.field(0)?.bytes()?.to_vec())
}

/// Whether it is an exception of that constructor.
pub(crate) fn is_exception_of(
    access: Access<'_>,
    value: &ocaml::Value,
    constructor: NamedValue,
) -> bool {
    let own = constructor_of(Live::of(access, value));
    own.is_some_and(|own| own.raw() == constructor.get(access))
}

/// The constructor of an exception.
pub(crate) fn exception_constructor(
    access: Access<'_>,
    value: &ocaml::Value,
) -> Option<ocaml::Value> {
    constructor_of(Live::of(access, value)).map(Live::rooted)
}

/// The number of a constructor, of which no two are the same; `None`: it is none.
pub(crate) fn constructor_number(access: Access<'_>, value: &ocaml::Value) -> Option<isize> {
    number_of(Live::of(access, value))
}

/// How many arguments an exception has.
pub(crate) fn exception_arguments(access: Access<'_>, exception: &ocaml::Value) -> usize {
    arguments_of(Live::of(access, exception))
}

/// The argument `i` of an exception, if it has so many. They follow the constructor.
pub(crate) fn exception_argument<'a>(
    access: Access<'a>,
    exception: &'a ocaml::Value,
    i: usize,
) -> Option<Live<'a>> {
    let exception = Live::of(access, exception);
    if i >= arguments_of(exception) {
        return None;
    }
    exception.field(i + 1)
}

/// How far into the blocks of two values [`is_like`] looks.
const DEPTH: usize = 8;

/// Whether a value may be of the type of another one: both are numbers of the same kind, or strings, or neither is; so are the
/// fields of blocks of one tag and size, down to a depth. What is in other blocks is not looked at.
pub(crate) fn is_like(value: Live<'_>, sample: Live<'_>) -> bool {
    is_like_to(value, sample, DEPTH)
}

fn is_like_to(value: Live<'_>, sample: Live<'_>, depth: usize) -> bool {
    if sample.tag().is_some_and(|tag| LAZY_TAGS.contains(&tag)) {
        return true;
    }
    let kind = |live: Live<'_>| {
        let tag = live.tag().filter(|tag| *tag >= NO_SCAN_TAG);
        tag.filter(|tag| *tag != DOUBLE_ARRAY_TAG)
    };
    if kind(value) != kind(sample) || value.operations() != sample.operations() {
        return false;
    }
    let fields = |live: Live<'_>| {
        let tag = live.tag().filter(|tag| *tag <= LAST_CONSTRUCTOR_TAG);
        tag.map(|tag| (tag, live.size()))
    };
    match (fields(value), fields(sample)) {
        (Some(of), Some(of_sample)) if depth > 0 && of == of_sample => {
            let mut fields = value.fields().zip(sample.fields());
            fields.all(|(field, of_sample)| is_like_to(field, of_sample, depth - 1))
        }
        _ => true,
    }
}
