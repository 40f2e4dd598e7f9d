//! What was dropped where OCaml could not be touched, until somebody comes who can.
//!
//! This is a stack: any thread pushes, and who empties it takes all of it at once. So nothing comes back while somebody reads
//! it. There is no lock, since the child of a `fork` might find it taken.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

pub(super) struct Pile<T> {
    head: AtomicPtr<Node<T>>,
}

struct Node<T> {
    item: T,
    next: *mut Node<T>,
}

impl<T> Pile<T> {
    pub(super) const fn new() -> Pile<T> {
        Pile {
            head: AtomicPtr::new(null_mut()),
        }
    }

    /// From any thread. True: nothing else was there.
    #[cold]
    pub(super) fn push(&self, item: T) -> bool {
        let mut head = self.head.load(Ordering::Relaxed);
        let node = Box::into_raw(Box::new(Node { item, next: head }));
        // `Release`: who takes the node sees what is in it, and what was written before.
        while let Err(other) =
            self.head
                .compare_exchange_weak(head, node, Ordering::Release, Ordering::Relaxed)
        {
            head = other;
            // SAFETY: nobody else knows the node before it is the head
            unsafe { (*node).next = head };
        }
        head.is_null()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// Takes all there is, the last first, and gives each to `f`.
    #[cold]
    pub(super) fn empty(&self, f: impl Fn(T)) {
        let mut node = self.head.swap(null_mut(), Ordering::Acquire);
        while !node.is_null() {
            // SAFETY: made by `push`, and ours since the swap
            let Node { item, next } = *unsafe { Box::from_raw(node) };
            f(item);
            node = next;
        }
    }
}
