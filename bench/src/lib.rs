//! The Rust half of the benchmark; `README.md` says how to read its results. A module for each kind of case, and
//! [`alone`], which does in Rust alone what the bridge is compared with.
#![allow(missing_docs)]

mod alone;
mod arrays;
mod callbacks;
mod calls;
mod clock;
mod fairness;
mod heap;
mod message;
mod objects;
mod on_tokio;
mod results;
mod streams;
mod threads;
