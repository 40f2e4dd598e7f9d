#![allow(unused)]

use ocaml_lwt_interop_macros::func;

trait Stream {
    type Item;
}

struct Empty;

impl Stream for Empty {
    type Item = String;
}

#[func(window)]
pub fn without() -> impl Stream<Item = String> {
    Empty
}

#[func(window = "16")]
pub fn text() -> impl Stream<Item = String> {
    Empty
}

#[func(window = 0)]
pub fn nothing() -> impl Stream<Item = String> {
    Empty
}

#[func(window = 5_000_000_000)]
pub fn everything() -> impl Stream<Item = String> {
    Empty
}

fn main() {}
