//! What crosses in a column or a parameter.

use ocaml_lwt_interop::{ByteBuf, FromOCaml, ToOCaml};

/// A value of either database.
#[derive(Clone, Debug, PartialEq, FromOCaml, ToOCaml)]
pub enum Value {
    /// SQL's `NULL`.
    Null,
    /// SQLite has none: there it is 0 or 1.
    Bool(bool),
    /// An integer that OCaml's `int` has room for.
    Int(isize),
    /// One of 64 bits that it has not.
    Int64(i64),
    /// Of 64 bits.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(ByteBuf),
}

/// OCaml's `int` has 63 bits.
const INT: std::ops::RangeInclusive<i64> = -(1 << 62)..=(1 << 62) - 1;

impl From<i64> for Value {
    fn from(integer: i64) -> Value {
        if INT.contains(&integer) {
            Value::Int(integer as isize)
        } else {
            Value::Int64(integer)
        }
    }
}
