#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(name = "my-greet")]
pub async fn greet() {}

#[func(name = "")]
pub async fn nameless() {}

#[func]
pub async fn grüße() {}

fn main() {}
