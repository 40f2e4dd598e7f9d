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
    pub async fn names(&self) -> Result<impl Stream<Item = isize>, String> {
        Ok(())
    }
}

fn main() {}
