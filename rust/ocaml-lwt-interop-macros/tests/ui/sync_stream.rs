#![allow(unused)]

use ocaml_lwt_interop_macros::func;

trait Stream {
    type Item;
}

struct Empty;

impl Stream for Empty {
    type Item = String;
}

#[func(sync)]
pub fn at_once() -> impl Stream<Item = String> {
    Empty
}

fn main() {}
