#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(tokio = "4")]
pub async fn on_four_workers() {}

#[func(blocking(true))]
pub fn reads_a_file() {}

fn main() {}
