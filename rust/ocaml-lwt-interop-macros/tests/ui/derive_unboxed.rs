#![allow(unused)]

use ocaml_lwt_interop_macros::{FromOCaml, ToOCaml};

#[derive(ToOCaml)]
#[ocaml(unboxed)]
pub struct Two(isize, isize);

#[derive(FromOCaml)]
#[ocaml(unboxed)]
pub enum Constant {
    It,
}

#[derive(FromOCaml)]
#[ocaml(unboxed)]
pub enum Either {
    Left(isize),
    Right(isize),
}

fn main() {}
