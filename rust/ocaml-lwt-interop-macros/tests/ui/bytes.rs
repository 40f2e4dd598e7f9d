#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn hashes(bytes: &[u8], more: Vec<&mut [u8]>) {}

fn main() {}
