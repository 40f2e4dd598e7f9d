#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(window = 16)]
pub async fn value() -> String {
    String::new()
}

#[func(window = 16)]
pub async fn nothing() {}

fn main() {}
