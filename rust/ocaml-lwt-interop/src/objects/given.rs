//! Values that a `#[func]` returns, and that OCaml is given as objects.

use super::cell::{OCamlObject, Object};
use crate::values::OCamlList;

/// A value with an object in it by itself, not as an [`Object`]: what a `#[func]` may return, since it gives it away.
#[doc(hidden)]
pub trait Give {
    /// The same with an [`Object`].
    type Given;
    /// Makes the object.
    fn give(self) -> Self::Given;
}

impl<T: OCamlObject> Give for T {
    type Given = Object<T>;

    fn give(self) -> Object<T> {
        Object::new(self)
    }
}

impl<T: Give> Give for Option<T> {
    type Given = Option<T::Given>;

    fn give(self) -> Self::Given {
        self.map(T::give)
    }
}

impl<T: Give, E> Give for Result<T, E> {
    type Given = Result<T::Given, E>;

    fn give(self) -> Self::Given {
        self.map(T::give)
    }
}

impl<T: Give> Give for Vec<T> {
    type Given = Vec<T::Given>;

    fn give(self) -> Self::Given {
        self.into_iter().map(T::give).collect()
    }
}

impl<T: Give> Give for OCamlList<T> {
    type Given = OCamlList<T::Given>;

    fn give(self) -> Self::Given {
        self.0.into_iter().map(T::give).collect()
    }
}
