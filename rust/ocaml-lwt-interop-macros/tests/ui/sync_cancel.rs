#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(sync, cancel = "detach")]
pub fn adds(a: isize) -> isize {
    a
}

fn main() {}
