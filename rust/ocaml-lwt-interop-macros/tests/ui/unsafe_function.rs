#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async unsafe fn reads_anything(address: i64) {}

fn main() {}
