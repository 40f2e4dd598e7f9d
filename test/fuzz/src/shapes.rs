//! Values whose types nobody has declared, the arguments of exceptions: read as types that they may not be of.

use std::collections::{BTreeMap, LinkedList};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ocaml_lwt_interop::{
    ByteBuf, Error, FromOCaml, Nativeint, OCamlFunc, OCamlList, OCamlValue, ToOCaml, func,
    ocaml_runtime,
};

use crate::plan::{InOcaml, InRust, Kind, RustItems, Value};

/// What came of it.
#[derive(ToOCaml)]
pub enum Read<T> {
    /// It is of another type.
    Refused,
    /// It is of the type, and cannot be one of Rust's.
    Panicked,
    /// The same again.
    Same(T),
}

fn read<T: FromOCaml>(raises: &OCamlFunc<(), ()>) -> Result<Read<T>, Error> {
    let runtime = ocaml_runtime();
    let Err(error) = raises.call(&runtime, ()) else {
        return Err(Error::msg("it raises nothing"));
    };
    let exception = error
        .exception()
        .ok_or_else(|| Error::msg("it is no exception"))?;
    // Not a text for standard error.
    match catch_unwind(AssertUnwindSafe(|| exception.argument::<T>(&runtime, 0))) {
        Ok(Some(value)) => Ok(Read::Same(value)),
        Ok(None) => Ok(Read::Refused),
        Err(_) => Ok(Read::Panicked),
    }
}

macro_rules! shapes {
    ($($name:ident: $ty:ty;)*) => {$(
        #[func(sync)]
        pub fn $name(raises: OCamlFunc<(), ()>) -> Result<Read<$ty>, Error> {
            read(&raises)
        }
    )*};
}

shapes! {
    shape_unit: ();
    shape_int: isize;
    shape_byte: u8;
    shape_bool: bool;
    shape_float: f64;
    shape_int32: i32;
    shape_int64: i64;
    shape_nativeint: Nativeint;
    shape_string: String;
    shape_bytes: ByteBuf;
    shape_four_bytes: [u8; 4];
    shape_option: Option<isize>;
    shape_options: Option<Option<String>>;
    shape_result: Result<isize, String>;
    shape_pair: (isize, f64);
    shape_floats: (f64, f64);
    shape_ints: Vec<isize>;
    shape_float_array: Vec<f64>;
    shape_strings: Vec<String>;
    shape_list: OCamlList<isize>;
    shape_lists: OCamlList<OCamlList<String>>;
    shape_linked_list: LinkedList<f64>;
    shape_map: BTreeMap<String, isize>;
    shape_any: OCamlValue;
    shape_anys: Vec<OCamlValue>;
    shape_value: Value;
    shape_in_rust: InRust;
    shape_in_ocaml: InOcaml;
    shape_kind: Kind;
    shape_items: RustItems;
}
