//! What was dropped where OCaml could not be touched, until somebody comes who can.
//!
//! 1. This is a stack: any thread pushes, and who empties it takes all of it at once. So nothing comes back while somebody reads
//!    it. To push takes no lock, since the child of a `fork` might find it taken.
//! 2. Who finds it [done](Pile::is_done), or has [finished](Pile::finish) it, knows that all that was pushed before is done with: not
//!    only that somebody, on another domain, has taken it.

use std::ptr::null_mut;

use crate::checked::{AtomicBool, AtomicPtr, Ordering};
use crate::lock::Mutex;

pub(super) struct Pile<T> {
    head: AtomicPtr<Node<T>>,
    /// Somebody is at what it has taken.
    is_busy: AtomicBool,
    /// Whoever finishes it. Nothing is waited for under it.
    finishing: Mutex<()>,
}

struct Node<T> {
    item: T,
    next: *mut Node<T>,
}

impl<T> Pile<T> {
    #[cfg(not(loom))]
    pub(super) const fn new() -> Pile<T> {
        Pile {
            head: AtomicPtr::new(null_mut()),
            is_busy: AtomicBool::new(false),
            finishing: Mutex::new(()),
        }
    }

    #[cfg(loom)]
    fn new() -> Pile<T> {
        Pile {
            head: AtomicPtr::new(null_mut()),
            is_busy: AtomicBool::new(false),
            finishing: Mutex::new(()),
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

    /// Rule 2.
    #[inline]
    pub(super) fn is_done(&self) -> bool {
        // In this order: who sees it emptied sees that somebody is at it.
        self.head.load(Ordering::Acquire).is_null() && !self.is_busy.load(Ordering::Acquire)
    }

    /// Takes all there is, the last first, and gives each to `f`.
    #[cold]
    pub(super) fn empty(&self, f: impl Fn(T)) {
        let mut node = self.head.swap(null_mut(), Ordering::AcqRel);
        while !node.is_null() {
            // SAFETY: made by `push`, and ours since the swap
            let Node { item, next } = *unsafe { Box::from_raw(node) };
            f(item);
            node = next;
        }
    }

    /// The same, and waits for others that are at it; rule 2. `f` waits for nothing, and pushes nothing.
    #[cold]
    pub(super) fn finish(&self, f: impl Fn(T)) {
        // In the child of a `fork` who was at it does not exist: what it had taken stays as it is.
        let Some(_alone) = self.finishing.lock() else {
            return;
        };
        self.is_busy.store(true, Ordering::Relaxed);
        self.empty(f);
        self.is_busy.store(false, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn who_comes_first_is_told_so_and_all_is_taken_the_last_first() {
        static PILE: Pile<u8> = Pile::new();
        assert!(PILE.is_empty());
        assert!(PILE.push(1));
        assert!(!PILE.push(2));
        let taken = std::cell::RefCell::new(Vec::new());
        PILE.empty(|item| taken.borrow_mut().push(item));
        assert_eq!(taken.into_inner(), [2, 1]);
        assert!(PILE.is_empty());
    }

    #[test]
    fn it_is_done_when_what_was_taken_is() {
        static PILE: Pile<u8> = Pile::new();
        assert!(PILE.is_done());
        PILE.push(1);
        assert!(!PILE.is_done());
        PILE.finish(|_| assert!(PILE.is_empty() && !PILE.is_done()));
        assert!(PILE.is_done());
    }
}

/// The model: who comes first sends for somebody, who takes what is there.
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::checked::UnsafeCell;
    use loom::sync::mpsc::channel;
    use std::cell::Cell;
    use std::sync::Arc;

    #[test]
    fn whatever_is_pushed_is_taken_once_and_whole() {
        loom::model(|| {
            let pile = Arc::new(Pile::new());
            let (came, comes) = channel();
            let pushing = [1_u8, 2].map(|n| {
                let (pile, came) = (pile.clone(), came.clone());
                loom::thread::spawn(move || {
                    let item = UnsafeCell::new(0);
                    // SAFETY: nobody else knows it
                    item.with_mut(|item| unsafe { *item = n });
                    if pile.push(item) {
                        came.send(()).unwrap();
                    }
                })
            });
            let (taken, count) = (Cell::new(0), Cell::new(0));
            while count.get() < 2 {
                // Where nobody comes first this is a deadlock.
                comes.recv().unwrap();
                pile.empty(|item| {
                    count.set(count.get() + 1);
                    // SAFETY: taken by this thread alone, which the model checker looks at
                    taken.set(taken.get() + item.with_mut(|item| unsafe { *item }));
                });
            }
            assert_eq!((count.get(), taken.get()), (2, 3));
            assert!(pile.is_empty());
            for thread in pushing {
                thread.join().unwrap();
            }
        });
    }

    /// One thread finishes what another has pushed; a third, which has heard of the push, finds it done, or finishes it.
    #[test]
    fn who_finds_it_done_finds_that_all_is_done() {
        loom::model(|| {
            let pile = Arc::new(Pile::new());
            let place = Arc::new(UnsafeCell::new(0));
            let (pushed, is_pushed) = channel();
            let do_it = |place: Arc<UnsafeCell<u8>>| {
                // SAFETY: what is pushed once is done by one thread, which the model checker looks at
                place.with_mut(|place| unsafe { *place += 1 });
            };
            let pushing = {
                let (pile, place) = (pile.clone(), place.clone());
                loom::thread::spawn(move || {
                    pile.push(place);
                    pushed.send(()).unwrap();
                })
            };
            let finishing = {
                let pile = pile.clone();
                loom::thread::spawn(move || pile.finish(do_it))
            };
            is_pushed.recv().unwrap();
            if !pile.is_done() {
                pile.finish(do_it);
            }
            // SAFETY: as above
            assert_eq!(place.with_mut(|place| unsafe { *place }), 1);
            pushing.join().unwrap();
            finishing.join().unwrap();
        });
    }
}
