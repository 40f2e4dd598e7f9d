//! What the OCaml library calls: the `external`s of `ocaml/`, one file for each subject.
//!
//! Each is called by OCaml with the runtime lock held; [`exports!`](frame) writes what they have in common. A panic of ours would
//! abort the process, not unwind into OCaml: `extern "C"`.

#[macro_use]
mod frame;
mod turns;
mod waits;
mod streams;
mod objects;
mod host;
mod keys;
mod process;
mod pools;
mod blocking_threads;
