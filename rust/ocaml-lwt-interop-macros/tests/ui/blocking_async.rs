#![allow(unused)]

use ocaml_lwt_interop_macros::func;

#[func(blocking)]
pub async fn reads_a_file(path: String) -> String {
    path
}

// A function that is refused gives no errors where it is used.
async fn uses_it() -> String {
    reads_a_file(String::new()).await
}

#[func(blocking)]
pub fn borrows(path: &str) -> usize {
    path.len()
}

fn uses_this_one() -> usize {
    borrows("")
}

fn main() {}
