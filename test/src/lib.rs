//! The Rust functions that the OCaml tests call; one module for each kind of test, see `README.md`.
#![allow(missing_docs)]

mod arrays;
mod arrays_example;
mod blocking;
mod budget;
mod cancel;
mod destructors;
mod domains;
mod on_tokio;
mod plain_thread;
mod endings;
mod gc;
mod handles;
mod keys;
mod matrix;
mod memory;
mod objects;
mod probe;
mod process;
mod readers;
mod records;
mod streams;
mod stress;
mod values;
mod wrapped;
