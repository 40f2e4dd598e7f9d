#![allow(unused)]

use ocaml_lwt_interop_macros::ToOCaml;

#[derive(ToOCaml)]
pub enum Refused {
    Empty,
    #[ocaml(rust_only)]
    Failed(String),
}

fn main() {}
