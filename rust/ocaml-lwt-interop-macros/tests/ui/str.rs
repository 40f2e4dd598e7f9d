#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn greet(name: &str, title: Option<&'static str>, other: &mut str) {}

fn main() {}
