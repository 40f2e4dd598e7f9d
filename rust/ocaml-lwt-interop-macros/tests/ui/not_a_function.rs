#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub struct Greeting {
    name: String,
}

#[func]
pub const GREETING: &str = "hello";

#[func]
pub mod greetings {}

pub trait Greet {
    #[func]
    fn greet(&self);
}

fn main() {}
