#![allow(unused)]

use ocaml_lwt_interop_macros::func;

pub struct Greeting;

#[func]
impl Greeting {
    pub async fn greet(&mut self, name: String) {}
}

fn main() {}
