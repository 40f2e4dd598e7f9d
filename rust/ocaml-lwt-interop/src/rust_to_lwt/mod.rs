//! A Rust future becomes a Lwt promise.
//!
//! [`stub`] is what every `#[func]` expands to. It roots the arguments ([`frame`]), converts them ([`argument`]), polls the
//! future once, and gives OCaml a promise. [`settle`] settles the promises that are pending, by the return type of the
//! function ([`output`]). A [`resolver`] settles a promise that Rust made by hand. On a worker domain the promise is settled
//! already ([`settled_call`]).
//!
//! A [`stream`] becomes a Lwt stream. A [task](stream_task) fills a [`window`], from which OCaml's [`open_reads`] take the
//! items. The stream goes with its [`stream_token`]. [`on_tokio`] is for bodies that run on Tokio's threads, and
//! [`at_once`] for functions without a promise.

pub(crate) mod output;
pub(crate) mod settle;
pub(crate) mod resolver;
pub(crate) mod argument;
pub(crate) mod stream_token;
pub(crate) mod open_reads;
mod buffer;
mod window;
mod stream_source;
mod stream_task;
pub(crate) mod stream;
pub(crate) mod settled_call;
mod frame;
pub(crate) mod stub;
pub(crate) mod at_once;
pub(crate) mod on_tokio;
