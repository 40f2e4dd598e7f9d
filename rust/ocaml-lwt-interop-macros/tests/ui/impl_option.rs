#![allow(unused)]

use ocaml_lwt_interop_macros::func;

pub struct Greeting;

#[func(tokio, cancel = "detach")]
impl Greeting {
    pub async fn greet(name: String) {}
}

fn main() {}
