#![allow(unused)]

use ocaml_lwt_interop_macros::ToOCaml;

#[derive(ToOCaml)]
#[ocaml(polymorphic)]
pub struct Point {
    x: f64,
}

#[derive(ToOCaml)]
#[ocaml(polymorphic)]
pub enum Shape {
    Empty,
    Circle { radius: f64 },
}

fn main() {}
