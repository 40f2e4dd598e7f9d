#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn shows(value: impl ToString, all: Vec<impl ToString>) {}

fn main() {}
