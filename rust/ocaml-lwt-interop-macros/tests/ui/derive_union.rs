#![allow(unused)]

use ocaml_lwt_interop_macros::{FromOCaml, ToOCaml};

#[derive(ToOCaml, FromOCaml)]
pub union Word {
    int: isize,
    float: f64,
}

fn main() {}
