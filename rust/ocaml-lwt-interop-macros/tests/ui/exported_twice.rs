#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
#[unsafe(no_mangle)]
pub async fn greet() {}

#[func]
#[unsafe(export_name = "greet_again")]
pub async fn greet_too() {}

fn main() {}
