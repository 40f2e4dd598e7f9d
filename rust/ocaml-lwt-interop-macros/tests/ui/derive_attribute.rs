#![allow(unused)]

use ocaml_lwt_interop_macros::ToOCaml;

#[derive(ToOCaml)]
#[ocaml(float_array)]
pub struct Point {
    x: f64,
}

#[derive(ToOCaml)]
#[ocaml(unboxed = "yes")]
pub struct Name(String);

#[derive(ToOCaml)]
#[ocaml]
pub struct Age(isize);

#[derive(ToOCaml)]
pub enum Colour {
    #[ocaml(unboxed)]
    Red,
    Other(#[ocaml(unboxed)] String),
}

fn main() {}
