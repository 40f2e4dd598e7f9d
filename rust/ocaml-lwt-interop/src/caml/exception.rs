//! What an OCaml exception is. Sometimes nothing but somebody's promise says that a value is an exception. There we check it
//! before we read its fields.
//!
//! 1. A constructor is a block of `Object_tag` with two fields, its name and its number (OCaml 4.13 to 5.4,
//!    `translcore.ml`, `transl_extension_constructor`).
//! 2. A constant exception is its constructor. An exception with arguments is a block of tag 0. Field 0 is its constructor,
//!    and its arguments follow. The constructor does not say how many there are.
//! 3. A [`Seen`] is made of what is rooted, and nothing in this file allocates while there is one.

use ocaml::sys;

use super::alloc::{CUSTOM_TAG, DOUBLE_ARRAY_TAG, NO_SCAN_TAG, STRING_TAG};
use super::call::NamedValue;
use super::lock::Access;
use super::root::Root;
use super::value::{Raw, field, int_val, is_immediate, protect, string_bytes, tag};

/// `Object_tag` (`mlvalues.h`).
const OBJECT_TAG: u8 = 248;
/// `Lazy_tag`, `Forward_tag`, `Forcing_tag`: a value of a type that may also be represented by another's.
const LAZY_TAGS: [u8; 3] = [246, 250, 244];

/// The last tag of a block that is a constructor, on every version (`Obj.last_non_constant_constructor_tag`: 243 on OCaml 5).
const LAST_CONSTRUCTOR_TAG: u8 = 243;

/// A value that is looked at (rule 3). Whatever it is, its methods may be called.
#[derive(Clone, Copy)]
struct Seen(Raw);

impl Seen {
    fn of(_access: Access<'_>, value: &ocaml::Value) -> Seen {
        Seen(value.raw())
    }

    /// The tag, if it is a block.
    fn tag(self) -> Option<u8> {
        // SAFETY: rule 3, and a block
        (!is_immediate(self.0)).then(|| unsafe { tag(self.0) })
    }

    /// How many words, if it is a block.
    fn size(self) -> usize {
        match is_immediate(self.0) {
            true => 0,
            // SAFETY: rule 3, and a block
            false => unsafe { sys::wosize_val(self.0.0) },
        }
    }

    /// The field `i` of an object, or of what is a constructor, a record or a tuple: these have live values.
    fn field(self, i: usize) -> Option<Seen> {
        let has_values = |tag| tag <= LAST_CONSTRUCTOR_TAG || tag == OBJECT_TAG;
        let is_there = self.tag().is_some_and(has_values) && i < self.size();
        // SAFETY: rule 3, and it is there
        is_there.then(|| Seen(unsafe { field(self.0, i) }))
    }

    fn is_string(self) -> bool {
        self.tag() == Some(STRING_TAG)
    }

    fn string(self) -> Option<Vec<u8>> {
        // SAFETY: rule 3, and a string
        self.is_string().then(|| unsafe { string_bytes(self.0) })
    }

    fn int(self) -> Option<isize> {
        is_immediate(self.0).then(|| int_val(self.0))
    }

    /// The number of a constructor, if it is one (rule 1).
    fn constructor_number(self) -> Option<isize> {
        let is_one = self.tag() == Some(OBJECT_TAG) && self.size() == 2;
        let has_name = self.field(0).is_some_and(Seen::is_string);
        self.field(1)?.int().filter(|_| is_one && has_name)
    }

    /// The constructor, if it is an exception (rule 2).
    fn constructor(self) -> Option<Seen> {
        if self.constructor_number().is_some() {
            return Some(self);
        }
        let is_block = self.tag() == Some(0) && self.size() > 1;
        self.field(0)
            .filter(|constructor| is_block && constructor.constructor_number().is_some())
    }

    /// How many arguments an exception has.
    fn arguments(self) -> usize {
        match self.tag() {
            Some(0) => self.size() - 1,
            _ => 0,
        }
    }

    /// What it has in its first word, if that says which kind of custom block it is (`custom.h`).
    fn custom(self) -> Option<Raw> {
        // SAFETY: rule 3; a word, which is not looked into
        (self.tag() == Some(CUSTOM_TAG)).then(|| unsafe { field(self.0, 0) })
    }

    fn is_like(self, sample: Seen, depth: usize) -> bool {
        if sample.tag().is_some_and(|tag| LAZY_TAGS.contains(&tag)) {
            return true;
        }
        let kind = |seen: Seen| {
            let tag = seen.tag().filter(|tag| *tag >= NO_SCAN_TAG);
            tag.filter(|tag| *tag != DOUBLE_ARRAY_TAG)
        };
        if kind(self) != kind(sample) || self.custom() != sample.custom() {
            return false;
        }
        let fields = |seen: Seen| {
            let tag = seen.tag().filter(|tag| *tag <= LAST_CONSTRUCTOR_TAG);
            tag.map(|tag| (tag, seen.size()))
        };
        match (fields(self), fields(sample)) {
            (Some(of), Some(of_sample)) if depth > 0 && of == of_sample => (0..of.1).all(|i| {
                let fields = self.field(i).zip(sample.field(i));
                fields.is_none_or(|(field, of_sample)| field.is_like(of_sample, depth - 1))
            }),
            _ => true,
        }
    }
}

pub(crate) fn is_exception(access: Access<'_>, value: &ocaml::Value) -> bool {
    Seen::of(access, value).constructor().is_some()
}

/// Its name, as OCaml has it; `None`: it is no exception.
pub(crate) fn exception_name(access: Access<'_>, value: &Root) -> Option<Vec<u8>> {
    let constructor = Seen(value.get(access)).constructor()?;
    constructor.field(0)?.string()
}

/// Whether it is an exception of that constructor.
pub(crate) fn is_exception_of(
    access: Access<'_>,
    value: &ocaml::Value,
    constructor: NamedValue,
) -> bool {
    let own = Seen::of(access, value).constructor();
    own.is_some_and(|own| own.0 == constructor.get(access))
}

/// The constructor of an exception.
pub(crate) fn exception_constructor(
    access: Access<'_>,
    value: &ocaml::Value,
) -> Option<ocaml::Value> {
    let constructor = Seen::of(access, value).constructor()?;
    // SAFETY: rule 3
    Some(unsafe { protect(access, constructor.0) })
}

/// The number of a constructor, of which no two are the same; `None`: it is none.
pub(crate) fn constructor_number(access: Access<'_>, value: &ocaml::Value) -> Option<isize> {
    Seen::of(access, value).constructor_number()
}

/// How many arguments an exception has.
pub(crate) fn exception_arguments(access: Access<'_>, exception: &ocaml::Value) -> usize {
    Seen::of(access, exception).arguments()
}

/// The argument `i` of an exception, if it has so many. They follow the constructor.
pub(crate) fn exception_argument(
    access: Access<'_>,
    exception: &ocaml::Value,
    i: usize,
) -> Option<ocaml::Value> {
    let exception = Seen::of(access, exception);
    if i >= exception.arguments() {
        return None;
    }
    let argument = exception.field(i + 1)?;
    // SAFETY: rule 3
    Some(unsafe { protect(access, argument.0) })
}

pub(crate) fn is_string(access: Access<'_>, value: &ocaml::Value) -> bool {
    Seen::of(access, value).is_string()
}

/// How far into the blocks of two values [`is_like`] looks.
const DEPTH: usize = 8;

/// Whether a value may be of the type of another one: both are numbers of the same kind, or strings, or neither is; so are the
/// fields of blocks of one tag and size, down to a depth. What is in other blocks is not looked at.
pub(crate) fn is_like(access: Access<'_>, value: &ocaml::Value, sample: &ocaml::Value) -> bool {
    Seen::of(access, value).is_like(Seen::of(access, sample), DEPTH)
}
