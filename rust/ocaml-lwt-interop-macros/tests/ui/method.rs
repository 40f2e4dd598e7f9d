#![allow(unused)]

use ocaml_lwt_interop_macros::func;

pub struct Greeting;

impl Greeting {
    #[func]
    pub async fn greet(&self, name: String) {}

    #[func]
    pub async fn taken(self) {}

    #[func]
    pub async fn new() -> Self {
        Self
    }
}

fn main() {}
