//! Which blocks are flat. OCaml stores the numbers of an array of floats, and of a record of nothing but floats, without a box
//! for each.

use ocaml::sys::FLAT_FLOAT_ARRAY;

/// Whether the values of a type are OCaml's `float`s.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Float {
    /// None is: this is what most types say.
    Never,
    /// `float` by another name.
    Always,
    /// One that is may come: of any type, or of one that has a conversion of its own.
    Maybe,
}

impl Float {
    /// Of a record with fields of these types: whether it is flat.
    pub const fn of_record(fields: &[Float]) -> Float {
        let mut all = Float::Always;
        let mut i = 0;
        while i < fields.len() {
            match fields[i] {
                Float::Never => return Float::Never,
                Float::Always => {}
                Float::Maybe => all = Float::Maybe,
            }
            i += 1;
        }
        all
    }
}

/// How a block is made.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flat {
    /// With a value in each field.
    No,
    /// With a number in each field.
    Yes,
    /// A record that would have to be flat if it holds nothing but floats, or not if one of them is of a type that is a
    /// parameter of the record: which of the two cannot be known.
    Unknown,
    /// An array, flat if it holds floats.
    AsItsElements,
}

impl Flat {
    /// Of a record.
    pub const fn of_record(fields: Float) -> Flat {
        match fields {
            Float::Never => Flat::No,
            Float::Always => Flat::Yes,
            Float::Maybe => Flat::Unknown,
        }
    }

    /// Of an array.
    pub(super) const fn of_array(elements: Float) -> Flat {
        match elements {
            _ if !FLAT_FLOAT_ARRAY => Flat::No,
            Float::Never => Flat::No,
            Float::Always => Flat::Yes,
            Float::Maybe => Flat::AsItsElements,
        }
    }
}
