#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(cancel = "ignore")]
pub async fn stores() {}

fn main() {}
