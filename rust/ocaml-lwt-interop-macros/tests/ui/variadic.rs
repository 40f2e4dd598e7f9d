#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub unsafe extern "C" fn prints(format: String, _: ...) {}

fn main() {}
