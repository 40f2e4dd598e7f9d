//! An owned root that any thread may hold and drop.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicIsize, Ordering};

#[cfg(ocaml_5)]
use super::domain_end;
use super::dropped::DROPPED;
use super::live::Live;
use super::lock::{self, Access};
use super::value::Raw;

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
    /// No allocation on the OCaml heap, runs no OCaml code.
    pub(crate) fn of_live(live: Live<'_>) -> Root {
        Root::of_rooted(live.rooted())
    }

    /// Of a value that is rooted, or immediate. No allocation on the OCaml heap, runs no OCaml code.
    pub(super) fn of_rooted(value: ocaml::Value) -> Root {
        match value {
            ocaml::Value::Raw(immediate) => Root::Immediate(Raw(immediate)),
            ocaml::Value::Root(root) => {
                count(1);
                Root::Cell(ManuallyDrop::new(root))
            }
        }
    }

    /// Of a value that has a root already.
    pub(crate) fn of(access: Access<'_>, value: &ocaml::Value) -> Root {
        Root::of_live(Live::of(access, value))
    }

    /// No allocation.
    #[inline]
    pub(crate) fn live<'a>(&'a self, access: Access<'a>) -> Live<'a> {
        // SAFETY: there is access; the root keeps the value alive, and nothing moves it while it is looked at
        unsafe {
            let raw = match self {
                Root::Immediate(v) => *v,
                Root::Cell(root) => Raw(root.get()),
            };
            Live::new(access, raw)
        }
    }

    /// No allocation; the result is not rooted by itself.
    #[inline]
    pub(crate) fn get(&self, access: Access<'_>) -> Raw {
        self.live(access).raw()
    }

    /// With a root of its own. No allocation on the OCaml heap.
    pub(crate) fn value(&self, _access: Access<'_>) -> ocaml::Value {
        match self {
            Root::Immediate(v) => ocaml::Value::Raw(v.0),
            Root::Cell(root) => ocaml::Value::Root((**root).clone()),
        }
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
            DROPPED.push(root);
        }
    }
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Root")
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
