#![allow(unused)]

use ocaml_lwt_interop_macros::interface;

#[interface]
pub trait Protocol {
    const VERSION: usize;
    type Block;
    fn version(&self) -> String;
}

fn main() {}
