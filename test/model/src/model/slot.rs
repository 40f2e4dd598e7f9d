//! The model: a slot of one future, whose waker changes, and which two threads settle. The file itself has a model of a future that is
//! dropped beside its subscription.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};

use loom::thread::{JoinHandle, spawn};

use super::{Parked, check};
use crate::slot::Slot;

/// A value of the user's. Its destructor looks at the slot: under the lock of that it would wait for itself.
struct Value {
    slot: Weak<Slot<Value>>,
    drops: Arc<AtomicUsize>,
}

impl Drop for Value {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.upgrade() {
            let _ = slot.is_waiting();
        }
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

struct World {
    slot: Arc<Slot<Value>>,
    drops: Arc<AtomicUsize>,
}

impl World {
    fn new() -> World {
        World {
            slot: Arc::new(Slot::new()),
            drops: Arc::default(),
        }
    }

    /// A thread that settles it. Whether it was the one that did.
    fn settle(&self) -> JoinHandle<bool> {
        let slot = self.slot.clone();
        let value = Value {
            slot: Arc::downgrade(&slot),
            drops: self.drops.clone(),
        };
        spawn(move || match slot.settle(value) {
            Ok(woken) => {
                woken.waker.into_iter().for_each(Waker::wake);
                true
            }
            Err(_) => false,
        })
    }

    fn drops(&self) -> usize {
        self.drops.load(Ordering::Relaxed)
    }
}

#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    check(3, || {
        let world = World::new();
        let settles = world.settle();
        let (first, last) = (Arc::new(Parked::default()), Arc::new(Parked::default()));
        let is_ready = |parked: &Arc<Parked>| match world.slot.poll(&Waker::from(parked.clone())) {
            Poll::Ready(value) => {
                assert_eq!(world.drops(), 0);
                drop(value);
                true
            }
            Poll::Pending => false,
        };
        if !is_ready(&first) && !is_ready(&last) {
            // A lost wake is a deadlock.
            last.wait();
            assert!(is_ready(&last));
        }
        assert!(settles.join().unwrap());
        assert_eq!(world.drops(), 1);
    });
}

#[test]
fn what_two_threads_settle_has_the_value_of_one() {
    check(3, || {
        let world = World::new();
        let settle = [world.settle(), world.settle()];
        let value = super::block_on(|context| world.slot.poll(context.waker()));
        let settled = settle.map(|thread| thread.join().unwrap());
        assert!(settled[0] != settled[1]);
        assert_eq!(world.drops(), 1);
        drop(value);
        assert_eq!(world.drops(), 2);
    });
}

#[test]
fn a_value_beside_the_drop_of_its_future_is_dropped_once_and_not_under_the_lock() {
    check(3, || {
        let world = World::new();
        let settle = [world.settle(), world.settle()];
        if world.slot.poll(Waker::noop()).is_pending() {
            assert_eq!(world.slot.close(true), None);
            assert_eq!(world.slot.close(true), None);
        }
        let settled = settle.map(|thread| thread.join().unwrap());
        assert!(!(settled[0] && settled[1]));
        assert_eq!(world.drops(), 2);
    });
}
