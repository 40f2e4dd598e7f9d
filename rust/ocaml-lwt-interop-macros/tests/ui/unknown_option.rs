#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(tokio)]
pub async fn on_workers() {}

#[func(blocking)]
pub fn reads_a_file() {}

#[func(symbol = "greet")]
pub async fn greet() {}

#[func(gc, cancle = "detach")]
pub async fn stores() {}

fn main() {}
