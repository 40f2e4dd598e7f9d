#![allow(unused)]

use ocaml_lwt_interop_macros::func;

use ocaml::Raw;

mod ocaml {
    pub struct Raw;
}

mod packets {
    pub struct Raw;
}

#[func]
pub async fn keeps(value: Raw, path: ocaml::Raw, root: crate::ocaml::Raw) {}

#[func]
pub async fn keeps_inside(maybe: Option<Raw>, pair: (i64, Vec<ocaml::Raw>), list: [Raw; 2]) {}

#[func]
pub async fn gives() -> Result<Raw, String> {
    Ok(Raw)
}

#[func]
pub async fn of_another_kind(packet: packets::Raw, wrong: &i64) {}

fn main() {}
