#![allow(unused)]

use ocaml_lwt_interop_macros::func;

trait Stream {
    type Item;
}

struct Empty;

impl Stream for Empty {
    type Item = String;
}

#[func(cancel = "detach")]
pub fn lines() -> impl Stream<Item = String> {
    Empty
}

fn main() {}
