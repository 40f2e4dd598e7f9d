#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn all(urls: Vec<String>) -> Vec<Result<String, ocaml::Error>> {
    Vec::new()
}

#[func]
pub async fn twice() -> Result<(isize, Result<String, ::ocaml::Error>), ocaml::Error> {
    unreachable!()
}

#[func]
pub async fn maybe() -> Option<Result<String, (ocaml::Error)>> {
    None
}

trait Stream {
    type Item;
}

struct Empty;

impl Stream for Empty {
    type Item = Result<u8, ocaml::Error>;
}

#[func]
pub fn items() -> impl Stream<Item = Result<u8, ocaml::Error>> {
    Empty
}

fn main() {}
