#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn ignores(_: i64, _named: i64) {}

fn main() {}
