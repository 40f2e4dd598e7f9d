//! An owned root that any thread may hold and drop.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicIsize, Ordering};

#[cfg(ocaml_5)]
use super::domain_end;
use super::lock::Access;
use super::value::{Raw, is_immediate, protect};
use super::{dropped, lock};

/// How many roots of this crate's handles live: promises, functions, resolvers, exceptions. Nearly all are made and dropped
/// on the thread that runs Lwt, which counts without atomic operations; these are the others', made less dropped.
static OTHER_THREADS: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    /// Made less dropped on this thread, if that is the one that runs Lwt.
    static BALANCE: Cell<isize> = const { Cell::new(0) };
    /// Whether this thread is the one that runs Lwt.
    static IS_LWT: Cell<bool> = const { Cell::new(false) };
}

/// See [`crate::Stats`]. On the thread that runs Lwt; elsewhere zero.
pub(crate) fn live_roots() -> usize {
    if !IS_LWT.get() {
        return 0;
    }
    (BALANCE.get() + OTHER_THREADS.load(Ordering::Relaxed)).max(0) as usize
}

/// This thread has got an executor: whether it is that of Lwt.
pub(crate) fn count_roots_here(is_lwt: bool) {
    IS_LWT.set(is_lwt);
}

#[inline]
fn count(change: isize) {
    if IS_LWT.get() {
        BALANCE.set(BALANCE.get() + change);
    } else {
        OTHER_THREADS.fetch_add(change, Ordering::Relaxed);
    }
}

/// Keeps an OCaml value alive.
///
/// 1. Made and read only with the runtime lock held.
/// 2. Moved to any thread, and dropped there. Its cell is deleted where OCaml may be touched: at once, or later by the
///    thread that empties [`dropped`].
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
    /// `v` is a live OCaml value. No allocation on the OCaml heap, runs no OCaml code.
    pub(crate) unsafe fn new(_access: Access<'_>, v: Raw) -> Root {
        if is_immediate(v) {
            return Root::Immediate(v);
        }
        count(1);
        // SAFETY: the lock is held; live by the caller's word
        Root::Cell(ManuallyDrop::new(unsafe { ocaml::root::Root::new(v.0) }))
    }

    /// Of a value that has a root already.
    pub(crate) fn of(access: Access<'_>, value: &ocaml::Value) -> Root {
        // SAFETY: its root keeps it alive
        unsafe { Root::new(access, value.raw()) }
    }

    /// No allocation; the result is not rooted by itself.
    #[inline]
    pub(crate) fn get(&self, _access: Access<'_>) -> Raw {
        match self {
            Root::Immediate(v) => *v,
            // SAFETY: the lock is held
            Root::Cell(root) => Raw(unsafe { root.get() }),
        }
    }

    /// With a root of its own. No allocation on the OCaml heap.
    pub(crate) fn value(&self, access: Access<'_>) -> ocaml::Value {
        // SAFETY: this root keeps it alive
        unsafe { protect(access, self.get(access)) }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let Root::Cell(root) = self else { return };
        // SAFETY: this is the end of the cell's owner
        let root = unsafe { ManuallyDrop::take(root) };
        count(-1);
        // A finaliser deletes none either: boxroot does not say that its cells may change inside the collector.
        if lock::has_access() {
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
/// `values` are live. No allocation on the OCaml heap by itself; `f` does not raise.
pub(crate) unsafe fn keeping<R>(
    _access: Access<'_>,
    values: &mut [Raw],
    f: impl FnOnce() -> R,
) -> R {
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

/// Prepares boxroot. On OCaml 4 it hooks the runtime lock, so this must come after the thread library's own
/// initialisation, which the OCaml library sees to by depending on `Thread`. No allocation on the OCaml heap.
pub(crate) fn setup_roots(access: Access<'_>) -> bool {
    lock::watch_collector(access);
    // SAFETY: the lock is held; calling it again does nothing
    let setup = || unsafe { ocaml_boxroot_sys::boxroot_setup() };
    #[cfg(ocaml_5)]
    return domain_end::watch(access, setup);
    #[cfg(not(ocaml_5))]
    setup()
}
