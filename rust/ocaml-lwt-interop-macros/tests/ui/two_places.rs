#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(tokio, blocking)]
pub fn reads_a_file() {}

#[func(blocking, name = "reads_it_again", tokio)]
pub fn reads_a_file_again() {}

#[func(sync, tokio)]
pub fn reads_it_at_once() {}

fn main() {}
