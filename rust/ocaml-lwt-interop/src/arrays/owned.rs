//! [`OwnedArray`]: Rust's memory as a Bigarray.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::element::{Element, ocaml_type, refuse};
use crate::caml::bigarray::{self, MOST_DIMS};
use crate::caml::loan::restore_dropped;
use crate::caml::lock::demand;
use crate::caml::{Live, convert, owned_array};
use crate::conversion::whole;

/// A `Vec` on its way to OCaml, where it is a Bigarray of C layout: its elements are not copied, and freed when OCaml's GC has
/// collected the array and all that is made of it. The GC knows how large it is.
///
/// As an argument it is a copy of OCaml's array, whoever else has that. The type is that of a [`Lent`](super::Lent) of the same
/// parameters.
///
/// It converts once.
pub struct OwnedArray<T, const N: usize = 1> {
    /// Taken by the conversion.
    elements: Mutex<Option<Vec<T>>>,
    dims: [usize; N],
}

impl<T: Element, const N: usize> OwnedArray<T, N> {
    /// An array with that length in each dimension, of elements in row-major order.
    ///
    /// # Panics
    /// When there are more elements, or fewer.
    pub fn with_dims(elements: Vec<T>, dims: [usize; N]) -> Self {
        const {
            assert!(N > 0 && N <= MOST_DIMS, "a Bigarray has 1 to 16 dimensions");
        }
        let count = dims
            .iter()
            .try_fold(1, |count: usize, dim| count.checked_mul(*dim));
        assert!(
            count == Some(elements.len()),
            "an array of the dimensions {dims:?} was made of {} elements: it has to have the product of its dimensions",
            elements.len()
        );
        OwnedArray {
            elements: Mutex::new(Some(elements)),
            dims,
        }
    }

    /// The length of each dimension.
    pub fn dims(&self) -> [usize; N] {
        self.dims
    }

    /// The elements.
    ///
    /// # Panics
    /// When OCaml has them.
    pub fn into_vec(self) -> Vec<T> {
        self.take()
    }

    fn take(&self) -> Vec<T> {
        let mut elements = self.elements.lock().unwrap_or_else(PoisonError::into_inner);
        elements.take().expect(
            "an OwnedArray was used after it was converted to an OCaml value, which has its elements: make one for each value",
        )
    }
}

impl<T: Element> From<Vec<T>> for OwnedArray<T> {
    fn from(elements: Vec<T>) -> Self {
        let dims = [elements.len()];
        OwnedArray::with_dims(elements, dims)
    }
}

impl<T: Element> From<Box<[T]>> for OwnedArray<T> {
    fn from(elements: Box<[T]>) -> Self {
        elements.into_vec().into()
    }
}

impl<T: Element> FromIterator<T> for OwnedArray<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Vec::from_iter(elements).into()
    }
}

impl<T: Element, const N: usize> From<OwnedArray<T, N>> for Vec<T> {
    fn from(array: OwnedArray<T, N>) -> Self {
        array.into_vec()
    }
}

impl<T: Element, const N: usize> fmt::Debug for OwnedArray<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedArray")
            .field("dims", &self.dims)
            .finish()
    }
}

convert! {
    from [T: Element, const N: usize] OwnedArray<T, N>, |value| demand("a Bigarray was copied", |access| {
        restore_dropped(access);
        let elements = bigarray::elements::<N>(Live::of(access, &value), T::KIND);
        let elements = elements.unwrap_or_else(|unfit| refuse::<T, N>(unfit));
        let count = elements.count();
        let mut copy = Vec::<T>::with_capacity(count);
        // SAFETY: so many elements stand there, of this type by the check, of which each pattern is one; they may be aligned
        // to less, so they are copied as bytes; none, when the pointer is dangling. OCaml code that could write to them does
        // not run, but for other domains and jobs that have released the lock, beside which OCaml reads them as well.
        unsafe {
            let to = copy.as_mut_ptr().cast::<u8>();
            std::ptr::copy_nonoverlapping(elements.data.as_ptr(), to, count * size_of::<T>());
            copy.set_len(count);
        }
        OwnedArray {
            elements: Mutex::new(Some(copy)),
            dims: elements.dims,
        }
    });
    // Once: then OCaml has the elements.
    to [T: Element, const N: usize] OwnedArray<T, N>, |this, _runtime| demand("an array was given to OCaml", |access| {
        // SAFETY: elements are `Copy`, and as many as the dimensions say since this was made
        unsafe { owned_array::of_vec(access, T::KIND, &this.dims, this.take()) }
    });
}

whole! {
    from [T: Element, const N: usize] OwnedArray<T, N>, |live| bigarray::elements::<N>(live, T::KIND).is_ok();
    to [T: Element, const N: usize] OwnedArray<T, N>;
    declare [T: Element, const N: usize] OwnedArray<T, N>, |_types| ocaml_type::<T, N>();
}
