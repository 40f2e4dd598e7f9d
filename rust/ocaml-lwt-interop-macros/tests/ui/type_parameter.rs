#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func]
pub async fn shows<T: ToString>(value: T) -> String {
    value.to_string()
}

#[func]
pub async fn fills<const N: usize>() -> [u8; N] {
    [0; N]
}

fn main() {}
