//! A Rust future becomes a Lwt promise.
//!
//! [`stub`] is what every `#[func]` expands to: it roots the arguments, converts them ([`argument`]), polls the future
//! once, and gives OCaml a promise; [`settle`] settles the pending ones, by the function's return type ([`output`]).

pub(crate) mod argument;
pub(crate) mod output;
pub(crate) mod settle;
pub(crate) mod stub;
