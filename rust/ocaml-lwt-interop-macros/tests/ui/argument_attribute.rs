#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn greets(#[ocaml(labelled)] name: String, #[ocaml(label, optional)] age: Option<isize>) {}

fn main() {}
