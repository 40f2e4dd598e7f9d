//! Types that ocaml-rs has no conversion for: owned bytes, lists, `nativeint`, and values that only pass through.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use ocaml::{FromValue, Runtime, ToValue, Value};

use crate::caml::{self, Raw, Root};

/// Owned bytes: OCaml's `string` or `bytes`, copied. (ocaml-rs makes a `Vec<u8>` an `int array`.)
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteBuf(pub Vec<u8>);

// SAFETY: copied before anything can allocate
unsafe impl FromValue for ByteBuf {
    fn from_value(value: Value) -> Self {
        caml::lock::demand("an OCaml string was converted");
        // SAFETY: the lock is held; an OCaml string or bytes, by the declaration
        ByteBuf(unsafe { caml::string_bytes(value.raw()) })
    }
}

// SAFETY: the string is rooted
unsafe impl ToValue for ByteBuf {
    fn to_value(&self, _runtime: &Runtime) -> Value {
        caml::lock::demand("bytes were converted for OCaml");
        // SAFETY: the lock is held
        unsafe { caml::string(&self.0) }
    }
}

impl Deref for ByteBuf {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for ByteBuf {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for ByteBuf {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<B: Into<Vec<u8>>> From<B> for ByteBuf {
    fn from(bytes: B) -> Self {
        ByteBuf(bytes.into())
    }
}

/// OCaml's `'a list`, as a `Vec`. (ocaml-rs makes a `Vec` an `'a array`; a `LinkedList`, which it makes a list, costs an
/// allocation for each element, and five GC roots instead of one.)
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OCamlList<T>(pub Vec<T>);

// SAFETY: every element is rooted before it is converted
unsafe impl<T: FromValue> FromValue for OCamlList<T> {
    fn from_value(value: Value) -> Self {
        caml::lock::demand("an OCaml list was converted");
        // SAFETY: the lock is held; a live list, by the declaration, which gets a root of our own. Conversions of the elements may
        // allocate.
        unsafe {
            let mut rest = caml::protect(value.raw());
            let mut items = Vec::with_capacity(caml::list_length(rest.raw()));
            while let Some(item) = caml::uncons(&mut rest) {
                items.push(T::from_value(item));
            }
            OCamlList(items)
        }
    }
}

// SAFETY: the list is rooted
unsafe impl<T: ToValue> ToValue for OCamlList<T> {
    fn to_value(&self, runtime: &Runtime) -> Value {
        caml::lock::demand("a list was converted for OCaml");
        let mut list = caml::EMPTY_LIST;
        for item in self.0.iter().rev() {
            // SAFETY: the lock is held; both are rooted, or immediate
            unsafe { caml::cons(&item.to_value(runtime), &mut list) };
        }
        list
    }
}

impl<T> Default for OCamlList<T> {
    fn default() -> Self {
        OCamlList(Vec::new())
    }
}

impl<T> Deref for OCamlList<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for OCamlList<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T> From<Vec<T>> for OCamlList<T> {
    fn from(items: Vec<T>) -> Self {
        OCamlList(items)
    }
}

impl<T> FromIterator<T> for OCamlList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        OCamlList(items.into_iter().collect())
    }
}

impl<T> From<OCamlList<T>> for Vec<T> {
    fn from(list: OCamlList<T>) -> Self {
        list.0
    }
}

impl<'a, T> IntoIterator for &'a OCamlList<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T> IntoIterator for OCamlList<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// OCaml's `nativeint`. (ocaml-rs makes an `isize` an `int`.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nativeint(pub isize);

// SAFETY: copied
unsafe impl FromValue for Nativeint {
    fn from_value(value: Value) -> Self {
        caml::lock::demand("an OCaml nativeint was converted");
        // SAFETY: the lock is held; an OCaml nativeint, by the declaration
        Nativeint(unsafe { value.nativeint_val() })
    }
}

// SAFETY: the block is rooted
unsafe impl ToValue for Nativeint {
    fn to_value(&self, _runtime: &Runtime) -> Value {
        caml::lock::demand("a nativeint was converted for OCaml");
        // SAFETY: the lock is held
        unsafe { Value::nativeint(self.0) }
    }
}

/// Any OCaml value, kept alive: for values that only pass through, such as those of a polymorphic function.
///
/// `Send`, `Sync`, and cheap to clone; it can live across an `.await` and on any thread, and is not looked at.
#[derive(Clone, Debug)]
pub struct OCamlValue(Arc<Root>);

// SAFETY: rooted at once
unsafe impl FromValue for OCamlValue {
    fn from_value(value: Value) -> Self {
        caml::lock::demand("an OCaml value was received");
        // SAFETY: the lock is held; live, by the trait's rules
        unsafe { OCamlValue::new(value.raw()) }
    }
}

impl OCamlValue {
    /// # Safety
    /// The runtime lock is held; `value` is live. No allocation on the OCaml heap.
    pub(crate) unsafe fn new(value: Raw) -> Self {
        // SAFETY: as the caller's
        OCamlValue(Arc::new(unsafe { Root::new(value) }))
    }

    /// # Safety
    /// The runtime lock is held; the value is not rooted by itself. No allocation.
    pub(crate) unsafe fn get(&self) -> Raw {
        // SAFETY: as the caller's
        unsafe { self.0.get() }
    }
}

// SAFETY: gives the value that it keeps alive
unsafe impl ToValue for OCamlValue {
    fn to_value(&self, _runtime: &Runtime) -> Value {
        caml::lock::demand("an OCamlValue was converted");
        // SAFETY: the lock is held
        unsafe { caml::protect(self.get()) }
    }
}
