#![allow(unused)]

use ocaml_lwt_interop_macros::interface;

#[interface]
pub trait Protocol {
    fn version(&self) -> String {
        String::new()
    }
}

fn main() {}
