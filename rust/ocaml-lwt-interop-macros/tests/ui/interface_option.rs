#![allow(unused)]

use ocaml_lwt_interop_macros::interface;

#[interface(window = 16)]
pub trait Protocol {
    fn version(&self) -> String;
}

#[interface(name)]
pub trait Rules {
    fn version(&self) -> String;
}

#[interface(= 1)]
pub trait Number {
    fn version(&self) -> String;
}

fn main() {}
