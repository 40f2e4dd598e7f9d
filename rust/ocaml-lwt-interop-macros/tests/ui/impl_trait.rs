#![allow(unused)]

use ocaml_lwt_interop_macros::func;

pub struct Greeting;

#[func]
impl Default for Greeting {
    fn default() -> Self {
        Greeting
    }
}

fn main() {}
