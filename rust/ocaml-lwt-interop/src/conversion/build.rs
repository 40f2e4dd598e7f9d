//! Rust values become OCaml values: described once, by [`ToOCaml::describe`](super::ToOCaml::describe), to the visitors.

pub use super::crossing::Visitor;
pub use super::visitors::convert;
pub(crate) use super::visitors::convert_here;
