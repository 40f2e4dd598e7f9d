#![allow(unused)]

use ocaml_lwt_interop_macros::func;

pub struct Greeting<T>(T);

#[func]
impl<T> Greeting<T> {
    pub async fn greet(name: String) {}
}

#[func]
impl Greeting<isize> {
    pub async fn number(name: String) {}
}

fn main() {}
