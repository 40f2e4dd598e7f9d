//! Roots that were dropped without the runtime lock, until a thread that holds it gives them back to boxroot.
//!
//! boxroot takes deletions from every thread (`boxroot.h`). On OCaml 4 that is not safe beside a compaction, which threads
//! lists through all roots in its second pass and follows them in its third (OCaml 4.13, `runtime/compact.c`). boxroot
//! guards a pool of roots only while it is scanned (boxroot 0.4, `scan_pool`). So a deletion between the passes would write
//! into such a list. Hence only the holder of the lock deletes.

use super::lock::Access;
use super::pile::Pile;

/// Any thread may push what it may not delete.
pub(super) static DROPPED: Pile<ocaml::root::Root> = Pile::new();

/// Deletes the roots that were dropped elsewhere. No allocation on the OCaml heap, runs no OCaml code.
#[inline]
pub(crate) fn delete_dropped_roots(_access: Access<'_>) {
    if !DROPPED.is_empty() {
        DROPPED.empty(drop);
    }
}
