#![allow(unused)]

use ocaml_lwt_interop_macros::interface;

#[interface]
pub trait Protocol<B> {
    fn apply(&self, block: B);
}

#[interface]
pub trait Rules {
    fn apply<B>(&self, block: B);
}

fn main() {}
