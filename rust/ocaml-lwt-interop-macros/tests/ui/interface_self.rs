#![allow(unused)]

use ocaml_lwt_interop_macros::interface;

#[interface]
pub trait Protocol {
    fn version() -> String;
    fn close(self);
    fn change(&mut self);
}

fn main() {}
