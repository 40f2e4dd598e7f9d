#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub const fn answers() -> i64 {
    42
}

fn main() {}
