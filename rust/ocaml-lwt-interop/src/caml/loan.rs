//! Bigarrays that are lent to Rust.
//!
//! 1. A lent array has the length 0 in every dimension, so that all bounds checks fail, those of compiled code too, and what is
//!    made of it (`sub`, `slice`, `reshape`, …) is empty. A mark in its flags tells it from an array without elements. The runtime
//!    masks the flags wherever it reads them, and copies them to what it makes of an array (`runtime/bigarray.c`).
//! 2. An array is lent if nobody else has its memory: it is OCaml's own, or Rust's (`owned_array.rs`), and no other array shares
//!    it. The runtime counts those that do in a proxy, also the dead ones, until they are collected.
//! 3. What is lent has a root, so that it is there when it is restored: by whoever has access and drops the loan; else it waits
//!    in a stack, until somebody has access. So no thread of Rust's ever waits for OCaml.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicIsize, AtomicPtr, Ordering};

use super::bigarray::{
    Array, Elements, Kind, LENT, MANAGED, MAPPED_FILE, MOST_DIMS, OWNER, Unfit, array_of, elements,
};
use super::lock::Access;
use super::owned_array;
use super::root::Root;
use super::value::Raw;

/// Whether nobody else has the memory of a Bigarray.
///
/// # Safety
/// As for [`elements`].
unsafe fn is_alone(value: Raw) -> Result<(), Unfit> {
    // SAFETY: the fields of a live Bigarray; a proxy lives as long as the arrays that it counts
    unsafe {
        let array = array_of(value);
        let is_known = match (*array).flags & OWNER {
            MANAGED => true,
            MAPPED_FILE => owned_array::is_one(value),
            _ => false,
        };
        if !is_known {
            return Err(Unfit::Foreign);
        }
        match (*array).proxy.as_ref() {
            Some(proxy) if proxy.count.load(Ordering::Acquire) > 1 => Err(Unfit::Shared(
                proxy.count.load(Ordering::Relaxed).saturating_sub(1),
            )),
            _ => Ok(()),
        }
    }
}

/// Lends an array of that kind to Rust, elements of such an alignment. An array without elements stays as it is.
///
/// # Safety
/// `value` is live. No allocation on the OCaml heap, runs no OCaml code. Nobody reads or writes the elements any more: what OCaml
/// code has begun without a bounds check, in a stub that released the runtime lock, or at the same time on another domain, is
/// its own affair, as without us.
pub(crate) unsafe fn lend<const N: usize>(
    access: Access<'_>,
    value: Raw,
    kind: Kind,
    align: usize,
) -> Result<(Elements<N>, Loan), Unfit> {
    const { assert!(N > 0 && N <= MOST_DIMS) };
    // SAFETY: as the caller's; the array has `N` dimensions, and its root keeps it
    unsafe {
        let elements = elements::<N>(access, value, kind)?;
        let has_elements = elements.count() > 0;
        if has_elements {
            is_alone(value)?;
            if elements.data.as_ptr().addr() % align != 0 {
                return Err(Unfit::Misaligned);
            }
        }
        let mut loan = Loan {
            root: Root::new(access, value),
            rank: if has_elements { N } else { 0 },
            dims: [0; MOST_DIMS],
        };
        if has_elements {
            loan.dims[..N].copy_from_slice(&elements.dims);
            let array = array_of(value);
            (*array).flags |= LENT;
            loan.write_dims(array, |_| 0);
        }
        Ok((elements, loan))
    }
}

/// An array that is lent, and what it is to be again.
pub(crate) struct Loan {
    root: Root,
    /// How many dimensions; none, if the array has no elements, and so is not changed.
    rank: usize,
    dims: [usize; MOST_DIMS],
}

impl Loan {
    /// The array, with a root of its own.
    pub(crate) fn value(&self, access: Access<'_>) -> ocaml::Value {
        self.root.value(access)
    }

    /// OCaml sees the array again. No allocation on the OCaml heap, runs no OCaml code.
    pub(crate) fn restore(self, access: Access<'_>) {
        if self.rank == 0 {
            return;
        }
        // SAFETY: a Bigarray, which the root keeps, of as many dimensions; nothing moves it meanwhile
        unsafe {
            let array = array_of(self.root.get(access));
            self.write_dims(array, |i| self.dims[i]);
            (*array).flags &= !LENT;
        }
    }

    /// For a thread without access: the array waits until somebody calls [`restore_dropped`]. True: it is the first that does.
    pub(crate) fn restore_later(self) -> bool {
        if self.rank == 0 {
            return false;
        }
        let mut head = DROPPED.load(Ordering::Relaxed);
        let node = Box::into_raw(Box::new(Node {
            loan: self,
            next: head,
        }));
        // `Release`: who takes the node sees what was written to the elements.
        while let Err(other) =
            DROPPED.compare_exchange_weak(head, node, Ordering::Release, Ordering::Relaxed)
        {
            head = other;
            // SAFETY: nobody else knows the node before it is the head
            unsafe { (*node).next = head };
        }
        head.is_null()
    }

    /// # Safety
    /// The array is live, and has the dimensions of the loan. Other domains may read them.
    unsafe fn write_dims(&self, array: *mut Array, dim: impl Fn(usize) -> usize) {
        for i in 0..self.rank {
            // SAFETY: as the caller's; a word, as aligned as one
            unsafe {
                let place = (&raw mut (*array).dims).cast::<isize>().add(i);
                AtomicIsize::from_ptr(place).store(dim(i) as isize, Ordering::Release);
            }
        }
    }
}

struct Node {
    loan: Loan,
    next: *mut Node,
}

/// A stack as that of `dropped.rs`.
static DROPPED: AtomicPtr<Node> = AtomicPtr::new(null_mut());

/// Restores the arrays that were let go where OCaml could not be touched. No allocation on the OCaml heap, runs no OCaml code.
#[inline]
pub(crate) fn restore_dropped(access: Access<'_>) {
    if !DROPPED.load(Ordering::Relaxed).is_null() {
        restore_all(access);
    }
}

#[cold]
fn restore_all(access: Access<'_>) {
    let mut node = DROPPED.swap(null_mut(), Ordering::Acquire);
    while !node.is_null() {
        // SAFETY: made by `restore_later`, and ours since the swap
        let Node { loan, next } = *unsafe { Box::from_raw(node) };
        loan.restore(access);
        node = next;
    }
}
