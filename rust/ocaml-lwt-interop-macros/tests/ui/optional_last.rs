#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn connects(host: String, #[ocaml(optional)] port: Option<isize>) {}

fn main() {}
