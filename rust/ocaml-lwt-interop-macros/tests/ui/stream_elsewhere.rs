#![allow(unused)]

use ocaml_lwt_interop_macros::func;

trait Stream {
    type Item;
}

struct Empty;

impl Stream for Empty {
    type Item = String;
}

#[func(tokio)]
pub async fn on_workers() -> impl Stream<Item = String> {
    Empty
}

#[func(blocking)]
pub fn on_the_pool() -> Result<impl Stream<Item = String>, String> {
    Ok(Empty)
}

fn main() {}
