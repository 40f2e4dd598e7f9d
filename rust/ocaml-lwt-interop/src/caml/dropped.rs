//! Roots that were dropped without the runtime lock, until a thread that holds it gives them back to boxroot.
//!
//! boxroot takes deletions from every thread (`boxroot.h`). On OCaml 4 that is not safe beside a compaction, which threads
//! lists through all roots in its second pass and follows them in its third (OCaml 4.13, `runtime/compact.c`). boxroot
//! guards a pool of roots only while it is scanned (boxroot 0.4, `scan_pool`). So a deletion between the passes would write
//! into such a list. Hence only the holder of the lock deletes.
//!
//! This is a stack: any thread pushes, and the holder of the lock takes all of it at once. So nothing comes back while
//! somebody reads it. There is no lock, since the child of a `fork` might find it taken.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::lock::Access;

struct Node {
    root: ocaml::root::Root,
    next: *mut Node,
}

static HEAD: AtomicPtr<Node> = AtomicPtr::new(null_mut());

/// From any thread.
#[cold]
pub(super) fn push(root: ocaml::root::Root) {
    let mut head = HEAD.load(Ordering::Relaxed);
    let node = Box::into_raw(Box::new(Node { root, next: head }));
    // `Release`: who takes the node sees what is in it.
    while let Err(other) =
        HEAD.compare_exchange_weak(head, node, Ordering::Release, Ordering::Relaxed)
    {
        head = other;
        // SAFETY: nobody else knows the node before it is the head
        unsafe { (*node).next = head };
    }
}

/// Deletes the roots that were dropped elsewhere. No allocation on the OCaml heap, runs no OCaml code.
#[inline]
pub(crate) fn delete_dropped_roots(_access: Access<'_>) {
    if !HEAD.load(Ordering::Relaxed).is_null() {
        delete_all();
    }
}

#[cold]
fn delete_all() {
    let mut node = HEAD.swap(null_mut(), Ordering::Acquire);
    while !node.is_null() {
        // SAFETY: made by `push`, and ours since the swap
        let Node { root, next } = *unsafe { Box::from_raw(node) };
        drop(root);
        node = next;
    }
}
