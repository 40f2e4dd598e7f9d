#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn greet(name: String)
where
    String: Send,
{
}

fn main() {}
