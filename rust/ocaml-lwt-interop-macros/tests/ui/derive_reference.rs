#![allow(unused)]

use ocaml_lwt_interop_macros::FromOCaml;

#[derive(FromOCaml)]
pub struct Person<'a> {
    name: &'a str,
    nicks: Vec<&'static [u8]>,
}

fn main() {}
