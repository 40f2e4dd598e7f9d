#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(crate = "not a path")]
pub async fn greet() {}

fn main() {}
