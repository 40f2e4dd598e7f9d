#![allow(unused)]

use ocaml_lwt_interop_macros::interface;

#[interface]
pub struct Protocol;

fn main() {}
