//! OCaml's Bigarrays have no such elements.

use ocaml_lwt_interop::{Lent, OwnedArray, func};

type Word = u32;

#[func]
pub async fn unsigned(words: Lent<Word>) {
    drop(words);
}

#[func]
pub async fn flags() -> OwnedArray<bool> {
    vec![true].into()
}

fn main() {}
