#![allow(unused)]

use ocaml_lwt_interop_macros::{FromOCaml, ToOCaml};

#[derive(FromOCaml)]
pub struct Address {
    it: ocaml::Raw,
}

#[derive(ToOCaml)]
pub struct Addresses(Vec<Raw>);

fn main() {}
