#![allow(unused)]

use ocaml_lwt_interop_macros::object;

#[object]
pub struct Greeting<T>(T);

#[object]
pub enum Named<'a> {
    Name(&'a str),
}

fn main() {}
