#![allow(unused)]

use ocaml_lwt_interop_macros::func;

const SYMBOL: &str = "greet";

#[func(name = SYMBOL)]
pub async fn greet() {}

#[func(cancel)]
pub async fn stores() {}

#[func(name("asks"), cancel = detach)]
pub async fn asks() {}

fn main() {}
