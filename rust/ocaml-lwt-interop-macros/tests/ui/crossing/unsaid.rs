//! A type with conversions by hand that does not say what it is in OCaml.

use ocaml::{FromValue, ToValue};
use ocaml_lwt_interop::{FromOCaml, ToOCaml, func};

#[derive(FromValue, ToValue)]
pub struct Point {
    x: isize,
}

unsafe impl FromOCaml for Point {}
unsafe impl ToOCaml for Point {}

#[func]
pub async fn same(point: Point) -> Point {
    point
}

fn main() {}
