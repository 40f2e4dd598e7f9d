//! A Rust future becomes a Lwt promise.
//!
//! [`stub`] is what every `#[func]` expands to: it roots the arguments ([`frame`]), converts them ([`argument`]), polls the future
//! once, and gives OCaml a promise; [`settle`] settles the pending ones, by the function's return type ([`output`]), and a
//! [`resolver`] settles one that Rust made by hand. On a worker domain the promise is settled already ([`settled_call`]).
//! [`stream`] is what becomes a Lwt stream, by a [task](stream_task) that fills a [`window`] for OCaml's [`open_reads`], and goes
//! with its [`stream_token`]; [`elsewhere`] is what is different when the body runs on a thread of Tokio's, and [`at_once`]
//! when there is no promise.

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
pub(crate) mod elsewhere;
