#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(blocking, cancel = "detach")]
pub fn reads_a_file() {}

#[func(cancel = "drop", blocking)]
pub fn reads_it_again() {}

fn main() {}
