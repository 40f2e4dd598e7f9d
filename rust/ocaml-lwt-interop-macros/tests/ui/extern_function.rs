#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async extern "C" fn greet() {}

#[func]
pub extern "C" fn greet_too() {}

fn main() {}
