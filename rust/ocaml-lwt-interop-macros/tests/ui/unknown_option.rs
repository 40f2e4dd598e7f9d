#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(workers)]
pub async fn on_workers() {}

#[func(tokio, blocking_pool)]
pub fn reads_a_file() {}

#[func(symbol = "greet")]
pub async fn greet() {}

#[func(gc, cancle = "detach")]
pub async fn stores() {}

fn main() {}
