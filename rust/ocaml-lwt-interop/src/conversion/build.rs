//! Rust values become OCaml values: described once, by [`Build::describe`], to the visitors.

use ocaml::ToValue;

use crate::caml::chunk::Custom;
use crate::values::OCamlValue;

pub use super::visitors::{Storing, convert, store};

/// A value that describes its OCaml form.
///
/// # Safety
/// Describing makes one value of it, the same each time unless it was changed in between, with as many parts in each block
/// as were said, and a tag that OCaml's GC takes for what they are; and it runs nothing but descriptions.
#[doc(hidden)]
pub unsafe trait Build {
    /// Whether it is OCaml's `float`, of which records are flat, and mostly arrays: then it describes itself by one `double`.
    const FLAT: bool = false;

    /// Tells a visitor one value.
    fn describe<V: Visitor>(&self, visitor: &mut V);
}

/// Who is told a value: one call of `immediate` … `list`, or `begin`, each part in order, `end`.
#[doc(hidden)]
pub trait Visitor {
    /// A block that was begun.
    type Block;
    /// An `int`, a constant constructor.
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
    fn list<T: Build>(&mut self, items: &[T]);
    /// A block with `size` parts, unboxed floats if `flat`.
    fn begin(&mut self, tag: u8, size: usize, flat: bool) -> Self::Block;
    /// The next part.
    fn part<T: Build>(&mut self, block: &mut Self::Block, part: &T);
    /// The next part, which only ocaml-rs converts.
    fn foreign_part<T: ToValue>(&mut self, block: &mut Self::Block, part: &T);
    /// After the last part.
    fn end(&mut self, block: Self::Block);
    /// A value that only ocaml-rs converts.
    fn foreign<T: ToValue>(&mut self, value: &T);
}

/// `Flat::<T>::FLAT` is [`Build::FLAT`], or false for what only ocaml-rs converts: inherent constants come first.
#[doc(hidden)]
#[derive(Debug)]
pub struct Flat<T>(std::marker::PhantomData<T>);

impl<T: Build> Flat<T> {
    /// See [`Build::FLAT`].
    pub const FLAT: bool = T::FLAT;
}

/// See [`Flat`].
#[doc(hidden)]
pub trait NotFlat {
    /// It is not.
    const FLAT: bool = false;
}

impl<T> NotFlat for Flat<T> {}

/// A part of a derived type. `(&Part(part)).tell(…)` finds [`TellBuild`] where it can, and else [`TellForeign`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Part<'a, T>(pub &'a T);

/// A part that describes itself.
#[doc(hidden)]
pub trait TellBuild {
    /// As a part of a block.
    fn tell<V: Visitor>(&self, visitor: &mut V, block: &mut V::Block);
    /// As the whole value.
    fn tell_whole<V: Visitor>(&self, visitor: &mut V);
}

impl<T: Build> TellBuild for Part<'_, T> {
    #[inline]
    fn tell<V: Visitor>(&self, visitor: &mut V, block: &mut V::Block) {
        visitor.part(block, self.0);
    }

    #[inline]
    fn tell_whole<V: Visitor>(&self, visitor: &mut V) {
        self.0.describe(visitor);
    }
}

/// A part that only ocaml-rs converts. The bound stands at the methods, not at the impl, so that the compiler's message for
/// a type that does not convert is about `ToValue`.
#[doc(hidden)]
pub trait TellForeign {
    /// Its type.
    type Value;
    /// As a part of a block.
    fn tell<V: Visitor>(&self, visitor: &mut V, block: &mut V::Block)
    where
        Self::Value: ToValue;
    /// As the whole value.
    fn tell_whole<V: Visitor>(&self, visitor: &mut V)
    where
        Self::Value: ToValue;
}

impl<T> TellForeign for &Part<'_, T> {
    type Value = T;

    fn tell<V: Visitor>(&self, visitor: &mut V, block: &mut V::Block)
    where
        T: ToValue,
    {
        visitor.foreign_part(block, self.0);
    }

    fn tell_whole<V: Visitor>(&self, visitor: &mut V)
    where
        T: ToValue,
    {
        visitor.foreign(self.0);
    }
}
