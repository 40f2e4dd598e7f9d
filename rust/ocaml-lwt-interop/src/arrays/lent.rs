//! [`Lent`]: OCaml's Bigarray in Rust's hands.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use super::element::{Element, ocaml_type, refuse};
use crate::caml::bigarray::{self, Elements};
use crate::caml::loan::{self, Loan, restore_dropped};
use crate::caml::lock::{demand, with_access};
use crate::caml::{Live, convert};
use crate::conversion::whole;
use crate::home::{Runnable, lwt_home};

/// An OCaml Bigarray of C layout that is Rust's until this is dropped: a `&[T]` and a `&mut [T]` of OCaml's own memory, across
/// each `.await` and on every thread. [`arrays`](super) says what OCaml sees meanwhile, and which arrays are refused.
///
/// It may be an argument, a part of one, the value of a promise or an OCaml function, and the item of a stream. An array of `N`
/// dimensions has its elements in row-major order; its OCaml type is `Bigarray.Array1.t` to `Array3.t`, and `Genarray.t` beyond.
///
/// A `Lent` that goes to OCaml, as a result say, is the array that it came from, back from Rust.
pub struct Lent<T, const N: usize = 1> {
    /// So many elements, which nobody else has.
    data: NonNull<T>,
    count: usize,
    dims: [usize; N],
    array: Arc<Array>,
}

// SAFETY: the elements are, and nobody else has them
unsafe impl<T: Element, const N: usize> Send for Lent<T, N> {}
// SAFETY: as above
unsafe impl<T: Element, const N: usize> Sync for Lent<T, N> {}

/// The array, given back when the last part of it is dropped.
struct Array(Option<Loan>);

impl Drop for Array {
    fn drop(&mut self) {
        let mut loan = self.0.take();
        // At once where OCaml may be touched. Nobody waits for that: the thread that runs Lwt does it in its next turn.
        let restored = with_access(|access| loan.take().map(|loan| loan.restore(access)));
        debug_assert!(restored.is_err() || loan.is_none());
        let is_first = loan.is_some_and(Loan::restore_later);
        if let (true, Some(home)) = (is_first, lwt_home()) {
            home.queue_anywhere(Runnable::Settle(Box::new(|scope| {
                restore_dropped(scope.access());
            })));
        }
    }
}

impl<T: Element, const N: usize> Lent<T, N> {
    /// The length of each dimension.
    pub fn dims(&self) -> [usize; N] {
        self.dims
    }
}

impl<T: Element> Lent<T> {
    /// The elements before `at`, and those from there on, as two: for two tasks, say. OCaml has the array back when both are
    /// dropped.
    ///
    /// # Panics
    /// When there are fewer elements.
    #[must_use = "what is dropped is given back"]
    pub fn split_at(self, at: usize) -> (Self, Self) {
        let count = self.count;
        assert!(
            at <= count,
            "a lent array of {count} elements was split at {at}: split it at {count} at most"
        );
        let part = |from: usize, count: usize| Lent {
            // SAFETY: within the elements, by the check, or one past the last
            data: unsafe { self.data.add(from) },
            count,
            dims: [count],
            array: self.array.clone(),
        };
        (part(0, at), part(at, count - at))
    }
}

impl<T: Element, const N: usize> Deref for Lent<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: so many aligned elements, of which each pattern is one; OCaml does not see them, and has not freed them, as
        // long as the loan lasts; other handles have other parts. What nobody has written to was given by `malloc` in code that
        // Rust's compiler does not see, so it has some content.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.count) }
    }
}

impl<T: Element, const N: usize> DerefMut for Lent<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and this handle is borrowed for as long
        unsafe { std::slice::from_raw_parts_mut(self.data.as_ptr(), self.count) }
    }
}

impl<T: Element, const N: usize> AsRef<[T]> for Lent<T, N> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T: Element, const N: usize> AsMut<[T]> for Lent<T, N> {
    fn as_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T: Element, const N: usize> fmt::Debug for Lent<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("dims", &self.dims).finish()
    }
}

convert! {
    from [T: Element, const N: usize] Lent<T, N>, |value| demand("a Bigarray was lent", |access| {
        // What another thread has let go can be lent again.
        restore_dropped(access);
        let live = Live::of(access, &value);
        let lent = loan::lend::<N>(live, T::KIND, align_of::<T>());
        let (elements, loan) = lent.unwrap_or_else(|unfit| refuse::<T, N>(unfit));
        let count = elements.count();
        let Elements { data, dims } = elements;
        Lent {
            // It may be anywhere if it has no elements.
            data: if count == 0 {
                NonNull::dangling()
            } else {
                data.cast()
            },
            count,
            dims,
            array: Arc::new(Array(Some(loan))),
        }
    });
    // Not while other parts of the array are still there.
    to [T: Element, const N: usize] Lent<T, N>, |this, _runtime| {
        assert!(
            Arc::strong_count(&this.array) == 1,
            "a part of a lent array was given to OCaml while Rust has other parts of it: drop those before, and OCaml gets the \
             whole array"
        );
        demand("a lent array was given back", |access| {
            let Array(loan) = &*this.array;
            loan.as_ref().expect("taken by the drop").value(access)
        })
    };
}

whole! {
    from [T: Element, const N: usize] Lent<T, N>, |live| bigarray::elements::<N>(live, T::KIND).is_ok();
    to [T: Element, const N: usize] Lent<T, N>;
    declare [T: Element, const N: usize] Lent<T, N>, |_types| ocaml_type::<T, N>();
}
