#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(name = "sleep")]
pub async fn sleep(milliseconds: i64) {}

#[func(name = "caml_alloc")]
pub async fn alloc(words: i64) {}

fn main() {}
