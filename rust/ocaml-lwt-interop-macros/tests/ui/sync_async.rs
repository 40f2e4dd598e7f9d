#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(sync)]
pub async fn adds(a: isize) -> isize {
    a
}

fn main() {}
