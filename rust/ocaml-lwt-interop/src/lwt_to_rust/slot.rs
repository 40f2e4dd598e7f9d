//! Where the ending of an awaited promise waits for its future. Pure: no `unsafe`, no OCaml.
//!
//! One side is the future, on any thread; the other is the domain thread, or the GC when it collects the promise. Rules:
//!
//! 1. The slot is settled at most once, and its value is taken at most once.
//! 2. Under the lock nothing is woken, converted or dropped that belongs to the user.
//! 3. Who moves it from `Waiting` gets the index of the subscription, and with it the duty to end that: the future, by
//!    closing the slot, has it released; the domain thread, by settling it, has it forgotten.
//! 4. A future that is gone before there is an index leaves word whether its promise is to be cancelled, and the domain
//!    thread does it when it looks.
//! 5. In the child of a `fork` in which the lock cannot be had, the future waits for ever, and nothing else happens.

use std::task::{Poll, Waker};

use crate::lock::Mutex;

#[derive(Debug)]
enum State<T> {
    /// The promise is pending as far as we know. The index is there from the moment that the domain thread has looked
    /// at the promise.
    Waiting {
        waker: Option<Waker>,
        index: Option<usize>,
    },
    /// The promise was settled, and the future has not looked yet.
    Settled(T),
    /// The future has taken the value, or is gone, and wanted its promise cancelled.
    Closed { cancel: bool },
}

#[derive(Debug)]
pub(crate) struct Slot<T>(Mutex<State<T>>);

/// What the domain thread does with a promise that is pending.
#[must_use = "an index that is not used is to be given back"]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Subscribe {
    /// Subscribe under the index: the future waits.
    Waiting,
    /// The future is gone, and wants the promise cancelled or left alone.
    Gone { cancel: bool },
}

/// What settling a slot leaves to be done.
#[must_use = "a waker that is not woken is a lost wake"]
#[derive(Debug)]
pub(crate) struct Woken {
    /// To be woken, now that the lock is free.
    pub(crate) waker: Option<Waker>,
    /// The subscription that has ended.
    pub(crate) index: Option<usize>,
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Slot(Mutex::new(State::Waiting {
            waker: None,
            index: None,
        }))
    }

    /// The slot of a future that was polled at home, where the promise was found pending: nobody else knows it yet.
    pub(crate) fn waiting(waker: Waker, index: usize) -> Self {
        Slot(Mutex::new(State::Waiting {
            waker: Some(waker),
            index: Some(index),
        }))
    }

    /// The future's poll.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<T> {
        if let Some(poll) = self.poll_known(waker) {
            return poll;
        }
        // Cloning may run code of the user's, so the lock is given up for it, by rule 2.
        let mut new = Some(waker.clone());
        let Some(mut state) = self.0.lock() else {
            return Poll::Pending;
        };
        if let State::Waiting { waker: old, .. } = &mut *state {
            std::mem::swap(old, &mut new);
            drop(state);
            drop(new);
            return Poll::Pending;
        }
        drop(state);
        self.poll_known(waker).expect("it was settled in between")
    }

    /// What needs no new waker.
    fn poll_known(&self, waker: &Waker) -> Option<Poll<T>> {
        let Some(mut state) = self.0.lock() else {
            return Some(Poll::Pending);
        };
        match &*state {
            State::Waiting {
                waker: Some(old), ..
            } if old.will_wake(waker) => return Some(Poll::Pending),
            State::Waiting { .. } => return None,
            State::Settled(_) => {}
            State::Closed { .. } => panic!("a future was polled after it was ready"),
        }
        match std::mem::replace(&mut *state, State::Closed { cancel: false }) {
            State::Settled(value) => Some(Poll::Ready(value)),
            State::Waiting { .. } | State::Closed { .. } => unreachable!("matched above"),
        }
    }

    /// The domain thread is about to subscribe.
    pub(crate) fn subscribe(&self, new: usize) -> Subscribe {
        match self.0.lock().as_deref_mut() {
            Some(State::Waiting { index, .. }) => {
                *index = Some(new);
                Subscribe::Waiting
            }
            Some(State::Settled(_)) | None => Subscribe::Gone { cancel: false },
            Some(State::Closed { cancel }) => Subscribe::Gone { cancel: *cancel },
        }
    }

    /// The domain thread's or the GC's end. Gives the value back when nobody waits for it any more.
    pub(crate) fn settle(&self, value: T) -> Result<Woken, T> {
        let Some(mut state) = self.0.lock() else {
            return Err(value);
        };
        match &mut *state {
            State::Waiting { waker, index } => {
                let woken = Woken {
                    waker: waker.take(),
                    index: *index,
                };
                *state = State::Settled(value);
                Ok(woken)
            }
            State::Settled(_) | State::Closed { .. } => Err(value),
        }
    }

    /// Whether the future still waits.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.0.lock().as_deref(), Some(State::Waiting { .. }))
    }

    /// The future is dropped. Gives the index of a subscription to release; without one, rule 4 holds.
    #[must_use = "a subscription that is not released stays on its promise"]
    pub(crate) fn close(&self, cancel: bool) -> Option<usize> {
        let mut state = self.0.lock()?;
        let before = std::mem::replace(&mut *state, State::Closed { cancel });
        // What `before` holds of the user's is dropped at the end of this function.
        drop(state);
        match before {
            State::Waiting { index, .. } => index,
            State::Settled(_) | State::Closed { .. } => None,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_once() {
        let slot = Slot::new();
        assert!(slot.poll(Waker::noop()).is_pending());
        assert_eq!(slot.subscribe(3), Subscribe::Waiting);
        let woken = slot.settle(7).unwrap();
        assert!(woken.waker.is_some());
        assert_eq!(woken.index, Some(3));
        assert_eq!(slot.settle(8).unwrap_err(), 8);
        assert_eq!(slot.poll(Waker::noop()), Poll::Ready(7));
        assert_eq!(slot.close(true), None);
    }

    #[test]
    fn a_slot_that_was_made_waiting_has_its_waker_and_its_index() {
        let slot = Slot::waiting(Waker::noop().clone(), 3);
        assert!(slot.is_waiting());
        let woken = slot.settle(7).unwrap();
        assert!(woken.waker.is_some());
        assert_eq!(woken.index, Some(3));
        assert_eq!(slot.poll(Waker::noop()), Poll::Ready(7));
    }

    #[test]
    fn a_closed_slot_gives_the_value_back_and_the_index_once() {
        let slot = Slot::new();
        assert_eq!(slot.subscribe(3), Subscribe::Waiting);
        assert_eq!(slot.close(true), Some(3));
        assert_eq!(slot.close(false), None);
        assert!(!slot.is_waiting());
        assert_eq!(slot.subscribe(4), Subscribe::Gone { cancel: false });
        assert_eq!(slot.settle(7).unwrap_err(), 7);
    }

    #[test]
    fn a_slot_that_is_closed_before_it_has_an_index_says_whether_to_cancel() {
        for cancel in [true, false] {
            let slot = Slot::<()>::new();
            assert_eq!(slot.close(cancel), None);
            assert_eq!(slot.subscribe(3), Subscribe::Gone { cancel });
        }
    }
}

/// The model: a future that is polled and dropped on one thread, and the domain thread that looks at the promise.
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Arc;
    use std::task::Wake;

    /// How often something has happened.
    #[derive(Default)]
    struct Times(AtomicUsize);

    impl Times {
        fn add(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }

        fn get(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    impl Wake for Times {
        fn wake(self: Arc<Self>) {
            self.add();
        }
    }

    const INDEX: usize = 3;

    #[derive(Default)]
    struct Seen {
        woken: Arc<Times>,
        taken: Times,
        given_back: Times,
        released: Times,
        forgotten: Times,
        not_subscribed: Times,
    }

    /// What `Subscription` does at home.
    fn at_home(slot: &Slot<u8>, seen: &Seen) {
        match slot.subscribe(INDEX) {
            Subscribe::Waiting => {}
            Subscribe::Gone { cancel } => {
                assert!(cancel, "what the future wanted");
                return seen.not_subscribed.add();
            }
        }
        match slot.settle(7) {
            Ok(Woken { waker, index }) => {
                assert_eq!(index, Some(INDEX));
                seen.forgotten.add();
                waker.into_iter().for_each(Waker::wake);
            }
            Err(_) => seen.given_back.add(),
        }
    }

    /// A future that is polled so often, and then dropped if it is not ready.
    fn elsewhere(slot: &Slot<u8>, seen: &Seen, polls: usize) {
        let waker = Waker::from(seen.woken.clone());
        for _ in 0..polls {
            if let Poll::Ready(value) = slot.poll(&waker) {
                assert_eq!(value, 7);
                return seen.taken.add();
            }
        }
        if let Some(index) = slot.close(true) {
            assert_eq!(index, INDEX);
            seen.released.add();
        }
    }

    fn check(polls: usize) {
        loom::model(move || {
            let shared = Arc::new((Slot::new(), Seen::default()));
            let thread = loom::thread::spawn({
                let shared = shared.clone();
                move || elsewhere(&shared.0, &shared.1, polls)
            });
            at_home(&shared.0, &shared.1);
            thread.join().unwrap();
            let seen = &shared.1;
            // Rule 3: the subscription was ended once, if there was one.
            let ended = seen.released.get() + seen.forgotten.get();
            assert_eq!(ended + seen.not_subscribed.get(), 1);
            // Rule 1.
            assert!(seen.taken.get() <= 1 && seen.woken.get() <= 1);
            assert!(seen.taken.get() <= seen.forgotten.get());
            assert_eq!(seen.given_back.get(), seen.released.get());
        });
    }

    #[test]
    fn the_subscription_of_a_future_that_is_dropped_is_ended_once() {
        check(0);
    }

    #[test]
    fn the_subscription_of_a_future_that_is_polled_and_dropped_is_ended_once() {
        check(2);
    }

    #[test]
    fn a_future_that_was_told_to_wait_is_woken() {
        loom::model(|| {
            let shared = Arc::new((Slot::new(), Seen::default()));
            let thread = loom::thread::spawn({
                let shared = shared.clone();
                move || at_home(&shared.0, &shared.1)
            });
            let (slot, seen) = &*shared;
            let waker = Waker::from(seen.woken.clone());
            let is_ready = slot.poll(&waker).is_ready();
            thread.join().unwrap();
            // It waits: then it was woken, and has its value in the next poll.
            assert_eq!(seen.woken.get(), usize::from(!is_ready));
            assert!(is_ready || slot.poll(&waker).is_ready());
        });
    }
}
