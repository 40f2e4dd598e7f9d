//! Bigarrays that are lent to Rust.
//!
//! 1. A lent array has the length 0 in every dimension, so that all bounds checks fail, those of compiled code too, and what is
//!    made of it (`sub`, `slice`, `reshape`, …) is empty. A mark in its flags tells it from an array without elements. The runtime
//!    masks the flags wherever it reads them, and copies them to what it makes of an array (`runtime/bigarray.c`).
//! 2. An array is lent if nobody else has its memory: it is OCaml's own, or Rust's (`owned_array.rs`), and no other array shares
//!    it. The runtime counts those that do in a proxy, also the dead ones, until they are collected.
//! 3. What is lent has a root, so that it is there when it is restored: by whoever has access and drops the loan; else it waits
//!    in a stack, until somebody has access. So no thread of Rust's ever waits for OCaml. On whichever domain that is: the end of a
//!    call first sees to it that all of the stack [is done](Pile::finish).

use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

use super::bigarray::{
    Elements, Kind, LENT, MANAGED, MAPPED_FILE, MOST_DIMS, OWNER, Unfit, array_if_one, array_of,
    elements,
};
use super::live::Live;
use super::lock::Access;
use super::owned_array;
use super::pile::Pile;
use super::root::Root;

/// How many arrays with elements are lent.
static LENT_NOW: AtomicUsize = AtomicUsize::new(0);

/// See [`crate::Stats`]. From any thread.
pub(crate) fn live_loans() -> usize {
    LENT_NOW.load(Ordering::Relaxed)
}

/// Whether nobody else has the memory of a Bigarray.
fn is_alone(live: Live<'_>) -> Result<(), Unfit> {
    let array = array_if_one(live).ok_or(Unfit::NotBigarray)?;
    // SAFETY: the fields of a live Bigarray; a proxy lives as long as the arrays that it counts
    let (flags, proxy) = unsafe { ((*array).flags, (*array).proxy.as_ref()) };
    let is_known = match flags & OWNER {
        MANAGED => true,
        MAPPED_FILE => owned_array::is_one(live),
        _ => false,
    };
    if !is_known {
        return Err(Unfit::Foreign);
    }
    match proxy {
        Some(proxy) if proxy.count.load(Ordering::Acquire) > 1 => Err(Unfit::Shared(
            proxy.count.load(Ordering::Relaxed).saturating_sub(1),
        )),
        _ => Ok(()),
    }
}

/// Lends an array of that kind to Rust, elements of such an alignment. An array without elements stays as it is. No allocation on
/// the OCaml heap, runs no OCaml code.
///
/// Nobody reads or writes the elements any more: what OCaml code has begun without a bounds check, in a stub that released the
/// runtime lock, or at the same time on another domain, is its own affair, as without us.
pub(crate) fn lend<const N: usize>(
    live: Live<'_>,
    kind: Kind,
    align: usize,
) -> Result<(Elements<N>, Loan), Unfit> {
    const { assert!(N > 0 && N <= MOST_DIMS) };
    let elements = elements::<N>(live, kind)?;
    let has_elements = elements.count() > 0;
    if has_elements {
        is_alone(live)?;
        if elements.data.as_ptr().addr() % align != 0 {
            return Err(Unfit::Misaligned);
        }
    }
    let mut loan = Loan {
        root: Root::of_live(live),
        rank: if has_elements { N } else { 0 },
        dims: [0; MOST_DIMS],
    };
    if has_elements {
        loan.dims[..N].copy_from_slice(&elements.dims);
        LENT_NOW.fetch_add(1, Ordering::Relaxed);
        loan.write(live.access(), true, |_| 0);
    }
    Ok((elements, loan))
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
        if self.rank > 0 {
            self.write(access, false, |i| self.dims[i]);
            LENT_NOW.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// For a thread without access: the array waits until somebody calls [`restore_dropped`]. True: it is the first that does.
    pub(crate) fn restore_later(self) -> bool {
        if self.rank == 0 {
            return false;
        }
        DROPPED.push(self)
    }

    /// Writes the dimensions of the array, which other domains may read, and whether it is lent.
    fn write(&self, access: Access<'_>, is_lent: bool, dim: impl Fn(usize) -> usize) {
        let array = array_of(self.root.get(access));
        // SAFETY: a Bigarray, which the root keeps, of as many dimensions; each is a word, as aligned as one. Nothing moves the
        // block meanwhile.
        unsafe {
            if is_lent {
                (*array).flags |= LENT;
            }
            for i in 0..self.rank {
                let place = (&raw mut (*array).dims).cast::<isize>().add(i);
                AtomicIsize::from_ptr(place).store(dim(i) as isize, Ordering::Release);
            }
            if !is_lent {
                (*array).flags &= !LENT;
            }
        }
    }
}

static DROPPED: Pile<Loan> = Pile::new();

/// Restores the arrays that were let go where OCaml could not be touched: when it returns all are restored, those too that
/// another domain has come to restore. No allocation on the OCaml heap, runs no OCaml code.
#[inline]
pub(crate) fn restore_dropped(access: Access<'_>) {
    if !DROPPED.is_done() {
        DROPPED.finish(|loan| loan.restore(access));
    }
}
