//! How values cross. [`FromOCaml`] and [`ToOCaml`] say which types cross. `#[derive(ToOCaml)]` and `#[derive(FromOCaml)]`
//! convert records and variants, with all that they hold, without a GC root for each part. (ocaml-rs's own conversions take
//! a root for each field that is read or made.)
//!
//! - [`build`]: Rust to OCaml, by three [`visitors`]. What fits into one small allocation is made in one.
//! - [`read`]: OCaml to Rust. Reading collects nothing, so what is read needs no root. [`shape`]: whether a value can be read as
//!   a type at all, where no declaration says so.
//! - [`declare`]: what their OCaml types are, with the [`description`] of each; [`description_text`]: how that is written.
//! - [`crossing`]: the two traits. [`frame`]: a value that is read, and what it is a part of.
//! - [`whole`]: types that cross as a whole.
//! - [`float`]: blocks of unboxed numbers, both ways. [`int`]: numbers that do not fit, both ways.
//!
//! A part may be of a type that has only ocaml-rs's conversions. Then everything around it is rooted.

mod description;
pub(crate) mod description_text;
pub mod declare;
pub mod float;
mod int;
mod declare_types;
mod frame;
pub mod shape;
mod crossing;
mod visitors;
pub mod build;
mod build_types;
pub mod read;
mod read_types;
mod whole;

pub use crossing::{FromOCaml, Reading, ToOCaml};
pub(crate) use whole::whole;
