#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func("greet")]
pub async fn greet() {}

fn main() {}
