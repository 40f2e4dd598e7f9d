//! Bytes, lent and copied.

use ocaml_lwt_interop::{ByteBuf, Lent, OwnedArray, func};

/// OCaml's memory, as it is.
#[func]
pub async fn bench_array_lent(array: Lent<u8>) -> usize {
    array.len()
}

/// A copy of it.
#[func]
pub async fn bench_array_copied(array: OwnedArray<u8>) -> usize {
    array.into_vec().len()
}

/// Memory of Rust's, which nothing is written to.
#[func]
pub async fn bench_array_made(length: usize) -> OwnedArray<u8> {
    vec![0; length].into()
}

/// The same as a string, which is a copy.
#[func]
pub async fn bench_array_made_as_string(length: usize) -> ByteBuf {
    vec![0; length].into()
}
