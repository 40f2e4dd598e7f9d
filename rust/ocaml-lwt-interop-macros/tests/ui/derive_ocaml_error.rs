#![allow(unused)]

use ocaml_lwt_interop_macros::ToOCaml;

#[derive(ToOCaml)]
pub struct Answer {
    it: Option<Result<isize, ocaml::Error>>,
}

fn main() {}
