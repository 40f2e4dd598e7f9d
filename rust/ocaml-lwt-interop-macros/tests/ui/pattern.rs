#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn adds((left, right): (i64, i64), [a, b]: [u8; 2]) {}

#[func]
pub async fn holds(ref name: String, whole @ (left, _): (i64, i64)) {}

fn main() {}
