#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn differs(#[cfg(unix)] descriptor: i64, #[cfg_attr(unix, cfg(unix))] other: i64) {}

fn main() {}
