//! [`Borrowed`]: an object that a call borrows.

use std::ops::Deref;

use super::block::{Refused, find};
use super::cell::{Cell, OCamlObject, Object};
use crate::caml::Live;
use crate::home::AtHome;

/// An object that a call at home borrows, for as long as it runs: an argument `&T` or `&self`.
///
/// On the thread that runs Lwt it is no counted reference, but a number in the object that only this thread changes, see rule 5 of
/// [`objects`](super). So it never goes to another thread.
#[doc(hidden)]
pub struct Borrowed<T: OCamlObject>(How<T>);

enum How<T: OCamlObject> {
    Here(Here<T>),
    /// On another thread than Lwt's, or given to OCaml by another.
    Counted(Object<T>),
}

/// A borrow that has begun. The object is there until this is dropped. A bare pointer is not `Send`.
struct Here<T: OCamlObject>(*const Cell<T>);

impl<T: OCamlObject> Here<T> {
    #[inline(always)]
    fn cell(&self) -> &Cell<T> {
        // SAFETY: with a borrow, OCaml stays a user of it
        unsafe { &*self.0 }
    }
}

impl<T: OCamlObject> Drop for Here<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // Nothing looks at the cell when this goes.
        let user = self.cell().end_borrow();
        drop(user);
    }
}

impl<T: OCamlObject> Borrowed<T> {
    /// Allocates nothing on the OCaml heap.
    #[inline(always)]
    pub(crate) fn of(live: Live<'_>) -> Result<Self, Refused> {
        let (block, cell) = find::<T>(live)?;
        if !(block.is_lwts && AtHome::here().is_some_and(|at| at.home().is_lwt())) {
            return Self::counted(live);
        }
        // SAFETY: the block is live, and keeps the memory of the cell
        let shared = unsafe { &*cell };
        if shared.is_closed() {
            return Err(Refused::closed::<T>());
        }
        // With a block that is live, and not closed, OCaml is a user, and stays one until this thread says so. (If the type is not
        // shared, this is the thread that made it, since no other could have given it to OCaml.)
        shared.begin_borrow();
        Ok(Borrowed(How::Here(Here(cell))))
    }

    #[cold]
    #[inline(never)]
    fn counted(live: Live<'_>) -> Result<Self, Refused> {
        Ok(Borrowed(How::Counted(Object::of_block(live)?)))
    }
}

impl<T: OCamlObject> Deref for Borrowed<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        match &self.0 {
            How::Here(here) => here.cell().value(),
            How::Counted(object) => object,
        }
    }
}
