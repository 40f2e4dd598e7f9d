#![allow(unused)]

use ocaml_lwt_interop_macros::object;

#[object]
pub fn greet() {}

#[object]
impl Greeting {}

#[object]
pub union Number {
    int: u32,
    float: f32,
}

pub struct Greeting;

fn main() {}
