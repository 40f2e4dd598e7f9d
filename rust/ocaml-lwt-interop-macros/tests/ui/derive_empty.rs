#![allow(unused)]

use ocaml_lwt_interop_macros::{FromOCaml, ToOCaml};

#[derive(ToOCaml)]
pub struct Nothing;

#[derive(FromOCaml)]
pub struct NoFields {}

#[derive(FromOCaml)]
pub enum Never {}

fn main() {}
