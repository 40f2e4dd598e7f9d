#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(name = "a", cancel = "drop", name = "b", cancel = "drop")]
pub async fn greet() {}

fn main() {}
