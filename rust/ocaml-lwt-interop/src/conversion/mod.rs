//! What `#[derive(ToOCaml)]` and `#[derive(FromOCaml)]` do: records and variants, with all that they hold, without a GC
//! root for each part. ocaml-rs's own derives work too; they take a root for each field that is read or made.
//!
//! - [`build`]: Rust to OCaml, by three [`visitors`]. What fits into one small allocation is made in one.
//! - [`read`]: OCaml to Rust. Reading collects nothing, so what is read needs no root.
//!
//! A type that only ocaml-rs converts may be a field as well; for that one everything around it is rooted.

pub mod build;
mod build_types;
pub mod read;
mod read_types;
mod visitors;
