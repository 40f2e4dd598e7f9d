#![allow(unused)]

use ocaml_lwt_interop_macros::func;

pub struct Greeting;

pub trait Stream {
    type Item;
}

impl Stream for () {
    type Item = isize;
}

#[func]
impl Greeting {
    pub fn names(&self) -> impl Stream<Item = isize> {}

    pub fn results(&self) -> Result<impl Stream<Item = isize>, String> {
        Ok(())
    }

    pub fn others(this: &Greeting) -> impl Stream<Item = isize> {}
}

fn main() {}
