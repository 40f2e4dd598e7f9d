//! The Rust half of the example in `doc/arrays.md`.

use std::fs::File;
use std::io::Read;

use ocaml_lwt_interop::{Error, Lent, OwnedArray, func};

/// Reads into OCaml's own memory, and says how many bytes came.
#[func(blocking)]
pub fn example_read(path: String, mut buffer: Lent<u8>) -> Result<usize, Error> {
    Ok(File::open(path)?.read(&mut buffer)?)
}

/// Gives OCaml the memory into which a file was read.
#[func(blocking)]
pub fn example_read_all(path: String) -> Result<OwnedArray<u8>, Error> {
    Ok(std::fs::read(path)?.into())
}

/// The mean of each row of a matrix.
#[func(blocking)]
pub fn example_means(matrix: Lent<f64, 2>) -> OwnedArray<f64> {
    let [_, columns] = matrix.dims();
    matrix
        .chunks(columns.max(1))
        .map(|row| row.iter().sum::<f64>() / columns as f64)
        .collect()
}
