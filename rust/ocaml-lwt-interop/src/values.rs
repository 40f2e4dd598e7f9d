//! Types that ocaml-rs has no conversion for: owned bytes, `nativeint`, and values that only pass through.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use ocaml::{FromValue, Runtime, ToValue, Value};

use crate::caml::{self, Root};

/// Owned bytes: OCaml's `string` or `bytes`, copied. (ocaml-rs makes a `Vec<u8>` an `int array`.)
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteBuf(pub Vec<u8>);

// SAFETY: copied before anything can allocate
unsafe impl FromValue for ByteBuf {
    fn from_value(value: Value) -> Self {
        // SAFETY: a conversion runs with the lock held, on an OCaml string or bytes
        ByteBuf(unsafe { caml::string_bytes(value.raw()) })
    }
}

// SAFETY: the string is rooted
unsafe impl ToValue for ByteBuf {
    fn to_value(&self, _runtime: &Runtime) -> Value {
        // SAFETY: a conversion runs with the lock held
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

/// OCaml's `nativeint`. (ocaml-rs makes an `isize` an `int`.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nativeint(pub isize);

// SAFETY: copied
unsafe impl FromValue for Nativeint {
    fn from_value(value: Value) -> Self {
        // SAFETY: a conversion runs with the lock held, on an OCaml nativeint
        Nativeint(unsafe { value.nativeint_val() })
    }
}

// SAFETY: the block is rooted
unsafe impl ToValue for Nativeint {
    fn to_value(&self, _runtime: &Runtime) -> Value {
        // SAFETY: a conversion runs with the lock held
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
        // SAFETY: a conversion runs with the lock held, on a live value
        OCamlValue(Arc::new(unsafe { Root::new(value.raw()) }))
    }
}

// SAFETY: gives the value that it keeps alive
unsafe impl ToValue for OCamlValue {
    fn to_value(&self, _runtime: &Runtime) -> Value {
        // SAFETY: a conversion runs with the lock held
        unsafe { caml::protect(self.0.get()) }
    }
}
