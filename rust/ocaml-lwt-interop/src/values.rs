//! Types for which ocaml-rs has no conversion: owned bytes, lists, `nativeint`, and values that only pass through.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use ocaml::{FromValue, Runtime, ToValue, Value};

use crate::caml::alloc::{self, Custom};
use crate::caml::lock::{Access, demand};
use crate::caml::{self, Raw, Root};

/// Owned bytes: OCaml's `string` or `bytes`, copied. (ocaml-rs makes a `Vec<u8>` an `int array`.)
///
/// ```
/// use ocaml_lwt_interop::ByteBuf;
///
/// /// The bytes in the opposite order. They need not be text.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn reversed(mut bytes: ByteBuf) -> ByteBuf {
///     bytes.reverse();
///     bytes
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteBuf(pub Vec<u8>);

// SAFETY: copied before anything can allocate
unsafe impl FromValue for ByteBuf {
    fn from_value(value: Value) -> Self {
        demand("an OCaml string was converted", |_| {
            // SAFETY: rooted; an OCaml string or bytes, by the declaration
            ByteBuf(unsafe { caml::string_bytes(value.raw()) })
        })
    }
}

// SAFETY: the string is rooted
unsafe impl ToValue for ByteBuf {
    fn to_value(&self, _runtime: &Runtime) -> Value {
        demand("bytes were converted for OCaml", |access| {
            caml::string(access, &self.0)
        })
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
///
/// ```
/// use ocaml_lwt_interop::OCamlList;
///
/// /// The words of a text, and how long each is.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn lengths(text: String) -> OCamlList<(String, usize)> {
///     text.split_whitespace().map(|word| (word.to_owned(), word.len())).collect()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OCamlList<T>(pub Vec<T>);

// SAFETY: every element is rooted before it is converted
unsafe impl<T: FromValue> FromValue for OCamlList<T> {
    fn from_value(value: Value) -> Self {
        // SAFETY: a live list, by the declaration, which gets a root of our own. Conversions of the elements may allocate.
        demand("an OCaml list was converted", |access| unsafe {
            let mut rest = caml::protect(access, value.raw());
            let mut items = Vec::with_capacity(caml::list_length(rest.raw()));
            while let Some(item) = caml::uncons(access, &mut rest) {
                items.push(T::from_value(item));
            }
            OCamlList(items)
        })
    }
}

// SAFETY: the list is rooted
unsafe impl<T: ToValue> ToValue for OCamlList<T> {
    fn to_value(&self, runtime: &Runtime) -> Value {
        demand("a list was converted for OCaml", |access| {
            let mut list = caml::EMPTY_LIST;
            for item in self.0.iter().rev() {
                caml::cons(access, &item.to_value(runtime), &mut list);
            }
            list
        })
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
///
/// ```
/// use ocaml_lwt_interop::Nativeint;
///
/// /// A mask of so many bits, 63 at most.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn mask(bits: u8) -> Nativeint {
///     Nativeint((1isize << bits) - 1)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Nativeint(pub isize);

// SAFETY: copied
unsafe impl FromValue for Nativeint {
    fn from_value(value: Value) -> Self {
        demand("an OCaml nativeint was converted", |_| {
            // SAFETY: rooted; an OCaml nativeint, by the declaration
            Nativeint(unsafe { value.nativeint_val() })
        })
    }
}

// SAFETY: the block is rooted
unsafe impl ToValue for Nativeint {
    fn to_value(&self, _runtime: &Runtime) -> Value {
        demand("a nativeint was converted for OCaml", |access| {
            alloc::custom(access, Custom::Nativeint(self.0))
        })
    }
}

/// Any OCaml value, kept alive. It is for values that only pass through, such as those of a polymorphic function.
///
/// It is `Send`, `Sync`, and cheap to clone. It can live across an `.await` and on any thread. Rust does not read the value.
///
/// ```
/// use ocaml_lwt_interop::OCamlValue;
///
/// /// Gives a value of whatever type back, a little later.
/// #[ocaml_lwt_interop::func]
/// pub async fn passed_through(value: OCamlValue) -> OCamlValue {
///     tokio::task::yield_now().await;
///     value
/// }
/// ```
#[derive(Clone, Debug)]
pub struct OCamlValue(Arc<Root>);

// SAFETY: rooted at once
unsafe impl FromValue for OCamlValue {
    fn from_value(value: Value) -> Self {
        demand("an OCaml value was received", |access| {
            OCamlValue(Arc::new(Root::of(access, &value)))
        })
    }
}

impl OCamlValue {
    pub(crate) fn new(root: Root) -> Self {
        OCamlValue(Arc::new(root))
    }

    /// With a root of its own.
    pub(crate) fn value(&self, access: Access<'_>) -> Value {
        self.0.value(access)
    }

    /// Not rooted by itself. No allocation.
    pub(crate) fn get(&self, access: Access<'_>) -> Raw {
        self.0.get(access)
    }
}

// SAFETY: gives the value that it keeps alive
unsafe impl ToValue for OCamlValue {
    fn to_value(&self, _runtime: &Runtime) -> Value {
        demand("an OCamlValue was converted", |access| self.0.value(access))
    }
}
