//! An owned root that any thread may hold and drop.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicIsize, Ordering};

use super::{Raw, dropped, is_immediate, lock_was_released};
use crate::executor::AtHome;

/// How many roots of this crate's handles live: promises, functions, resolvers, exceptions. Roots are mostly made on the
/// domain thread, and mostly dropped there: it counts without atomic operations. Other threads drop them as well, and
/// make them too where they run OCaml code: as guests, or as threads of OCaml's.
static ELSEWHERE: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    /// Made less dropped on this domain thread.
    static BALANCE: Cell<isize> = const { Cell::new(0) };
}

/// See [`crate::Stats`]. On the domain thread; elsewhere zero.
pub(crate) fn live_roots() -> usize {
    match AtHome::here() {
        Some(_) => (BALANCE.get() + ELSEWHERE.load(Ordering::Relaxed)).max(0) as usize,
        None => 0,
    }
}

/// One more or one less.
fn count(at: Option<AtHome>, change: isize) {
    match at {
        Some(_) => BALANCE.set(BALANCE.get() + change),
        None => _ = ELSEWHERE.fetch_add(change, Ordering::Relaxed),
    }
}

/// Keeps an OCaml value alive.
///
/// 1. Made and read only with the runtime lock held.
/// 2. Moved to and dropped on any thread. Its cell is deleted with the lock held: at once, or by whom [`dropped`] finds.
pub(crate) enum Root {
    /// The GC does not look at it: no cell.
    Immediate(Raw),
    /// A boxroot cell.
    Cell(ManuallyDrop<ocaml::root::Root>),
}

// SAFETY: rule 2 for moving and dropping; reading through a shared reference needs the runtime lock, by rule 1, which
// serialises readers with the GC that updates the cell
unsafe impl Send for Root {}
// SAFETY: as above
unsafe impl Sync for Root {}

impl Root {
    /// # Safety
    /// The runtime lock is held; `v` is a live OCaml value. No allocation on the OCaml heap, runs no OCaml code.
    pub(crate) unsafe fn new(v: Raw) -> Root {
        if is_immediate(v) {
            return Root::Immediate(v);
        }
        count(AtHome::here(), 1);
        // SAFETY: as the caller's
        Root::Cell(ManuallyDrop::new(unsafe { ocaml::root::Root::new(v.0) }))
    }

    /// # Safety
    /// The runtime lock is held. No allocation; the result is not rooted by itself.
    pub(crate) unsafe fn get(&self) -> Raw {
        match self {
            Root::Immediate(v) => *v,
            // SAFETY: as the caller's
            Root::Cell(root) => Raw(unsafe { root.get() }),
        }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let Root::Cell(root) = self else { return };
        // SAFETY: this is the end of the cell's owner
        let root = unsafe { ManuallyDrop::take(root) };
        let at = AtHome::here();
        count(at, -1);
        // In a scope the lock is held, unless we gave it up ourselves.
        if at.is_some_and(AtHome::in_scope) && !lock_was_released() {
            drop(root);
        } else {
            dropped::push(root);
        }
    }
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Root")
    }
}

/// Runs `f`, which may collect, and keeps `values` up to date meanwhile. For the one place where boxroot is not set up
/// yet: the first call, whose thread is still to be checked. (On OCaml 4 boxroot must be set up by the main thread.)
///
/// # Safety
/// The runtime lock is held; `values` are live. No allocation on the OCaml heap by itself; `f` does not raise.
pub(crate) unsafe fn keeping<R>(values: &mut [Raw], f: impl FnOnce() -> R) -> R {
    // SAFETY: initialised cells that stay where they are until they are removed; `Raw` is `repr(transparent)`
    unsafe {
        for value in &mut *values {
            ocaml::sys::caml_register_global_root(&raw mut value.0);
        }
        let result = f();
        for value in &mut *values {
            ocaml::sys::caml_remove_global_root(&raw mut value.0);
        }
        result
    }
}
