//! What `#[func]` generates compiles, gives the symbols that OCaml links, and does what it says, with the crate
//! `ocaml-lwt-interop` replaced by `mock`.

#![deny(
    warnings,
    missing_docs,
    unreachable_pub,
    unused,
    unsafe_code,
    nonstandard_style,
    let_underscore_drop
)]
#![deny(
    clippy::all,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks,
    clippy::missing_docs_in_private_items
)]
#![allow(clippy::many_single_char_names)]

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::missing_docs_in_private_items
)]
mod mock;

/// What a user writes.
#[forbid(unsafe_code, unused_imports, unused_mut)]
mod functions;

#[allow(unsafe_code)]
#[allow(clippy::pedantic, clippy::missing_docs_in_private_items)]
mod calls;
