//! Rust values become OCaml values: described once, by [`ToOCaml::describe`], to the visitors.

use ocaml::ToValue;

use super::ToOCaml;
use super::float::Flat;
use crate::caml::chunk::Custom;
use crate::values::OCamlValue;

pub use super::visitors::convert;

/// Who is told a value: one call of `immediate` … `list`, or `begin`, each part in order, `end`.
#[doc(hidden)]
pub trait Visitor {
    /// A block that was begun.
    type Block;
    /// An `int`, which fits, or a constant constructor.
    fn immediate(&mut self, n: isize);
    /// A `string` or `bytes`.
    fn string(&mut self, bytes: &[u8]);
    /// A `float`.
    fn double(&mut self, double: f64);
    /// A boxed integer.
    fn custom(&mut self, custom: Custom);
    /// A value of OCaml's.
    fn value(&mut self, value: &OCamlValue);
    /// A list.
    fn list<T: ToOCaml>(&mut self, items: impl DoubleEndedIterator<Item = T>);
    /// A block with `size` parts.
    fn begin(&mut self, tag: u8, size: usize, flat: Flat) -> Self::Block;
    /// The next part.
    fn part<T: ToOCaml>(&mut self, block: &mut Self::Block, part: &T);
    /// After the last part.
    fn end(&mut self, block: Self::Block);
    /// A value that only ocaml-rs converts.
    fn foreign<T: ToValue>(&mut self, value: &T);
}
