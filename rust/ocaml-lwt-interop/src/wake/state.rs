//! The states of the wake path. Pure: no `unsafe`, no OCaml, no descriptor, so that a model checker takes this
//! very file (with `--cfg loom`, in `test/model`).
//!
//! A waker on another thread first queues its task and then calls [`WakeState::notify`]; the domain thread calls
//! [`WakeState::wake_up`] and then empties the queue. Rules:
//!
//! 1. No wake is lost: after the last `notify` of a burst either somebody was told to write to the descriptor, or the
//!    domain thread's next [`WakeState::try_sleep`] fails, so that it empties the queue again.
//! 2. At most one write a burst: between two `wake_up`s at most one `notify` answers [`Notify::Write`].
//! 3. While the domain thread is awake nobody writes at all.
//! 4. Another thread queues under the lock under which the domain thread, after its `wake_up`, looks. So who queued what was not
//!    seen there sees that `wake_up`, and never an older state.

use crate::checked::{AtomicU8, Ordering};

/// The loop may be blocked in its engine, or about to be: the next wake writes. Entered by `try_sleep` only.
const ASLEEP: u8 = 0;
/// A tick is running and empties the queue again before it ends: a wake writes nothing. Entered by `wake_up` only.
const AWAKE: u8 = 1;
/// Something was queued since the last `wake_up`: either a write is on its way to the loop, or the running tick will see
/// it when it tries to sleep. Entered by `notify` only.
const NOTIFIED: u8 = 2;

/// What the waker must do now.
#[must_use = "an unwritten descriptor is a lost wake"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notify {
    /// Write to the wake descriptor: the loop may be blocked.
    Write,
    /// Nothing: a write was made already, or the domain thread is awake and will empty the queue.
    Nothing,
}

/// What the domain thread will find.
#[must_use = "what is queued has to be taken out"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Something was queued since the last `wake_up`.
    Queued,
    /// Nobody has notified: the queue need not be emptied.
    Empty,
}

/// What the domain thread must do now.
#[must_use = "a refused sleep means that the queue has to be emptied again"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// Nothing came in: the next wake will write.
    Asleep,
    /// Something came in since the last `wake_up`: empty the queue again.
    Refused,
}

#[derive(Debug)]
pub(crate) struct WakeState(AtomicU8);

impl WakeState {
    pub(crate) fn new() -> Self {
        WakeState(AtomicU8::new(ASLEEP))
    }

    /// From any thread, after queuing. `AcqRel`: what was queued before is seen by the `wake_up` that sees the state.
    #[inline]
    pub(crate) fn notify(&self) -> Notify {
        // Rule 4: what was notified, and not seen, is to be taken out yet. Nothing is written then, to what others read.
        if self.is_notified() {
            return Notify::Nothing;
        }
        match self.0.swap(NOTIFIED, Ordering::AcqRel) {
            ASLEEP => Notify::Write,
            _ => Notify::Nothing,
        }
    }

    /// On the domain thread, before emptying the queue.
    pub(crate) fn wake_up(&self) -> Found {
        match self.0.swap(AWAKE, Ordering::AcqRel) {
            NOTIFIED => Found::Queued,
            _ => Found::Empty,
        }
    }

    /// On the domain thread, when the queue was found empty, or when the tick ends with its budget used up and has
    /// arranged for another. A tick that ran inside this one (a loop nested by `exit`) may have put the state to sleep
    /// already; then there is nothing to do.
    pub(crate) fn try_sleep(&self) -> Sleep {
        match self
            .0
            .compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) | Err(ASLEEP) => Sleep::Asleep,
            Err(_) => Sleep::Refused,
        }
    }

    /// Whether something was queued that no `wake_up` has seen.
    pub(crate) fn is_notified(&self) -> bool {
        self.0.load(Ordering::Acquire) == NOTIFIED
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_wake_of_a_burst_writes() {
        let state = WakeState::new();
        assert_eq!(state.notify(), Notify::Write);
        assert_eq!(state.notify(), Notify::Nothing);
        assert_eq!(state.wake_up(), Found::Queued);
        assert_eq!(state.try_sleep(), Sleep::Asleep);
        assert_eq!(state.notify(), Notify::Write);
    }

    #[test]
    fn a_wake_during_a_tick_refuses_sleep_and_writes_nothing() {
        let state = WakeState::new();
        assert_eq!(state.wake_up(), Found::Empty);
        assert_eq!(state.notify(), Notify::Nothing);
        assert!(state.is_notified());
        assert_eq!(state.try_sleep(), Sleep::Refused);
        assert_eq!(state.wake_up(), Found::Queued);
        assert_eq!(state.try_sleep(), Sleep::Asleep);
    }

    #[test]
    fn a_nested_tick_that_slept_lets_the_outer_one_sleep() {
        let state = WakeState::new();
        assert_eq!(state.wake_up(), Found::Empty);
        assert_eq!(state.wake_up(), Found::Empty);
        assert_eq!(state.try_sleep(), Sleep::Asleep);
        assert_eq!(state.try_sleep(), Sleep::Asleep);
    }
}

/// The model: wakers that queue and notify against a domain thread that sleeps on the "descriptor".
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::atomic::AtomicUsize;
    use loom::sync::{Arc, Condvar, Mutex};

    struct Bridge {
        state: WakeState,
        queue: Mutex<usize>,
        writes: AtomicUsize,
        descriptor: Mutex<bool>,
        readable: Condvar,
    }

    impl Bridge {
        fn new() -> Arc<Self> {
            Arc::new(Bridge {
                state: WakeState::new(),
                queue: Mutex::new(0),
                writes: AtomicUsize::new(0),
                descriptor: Mutex::new(false),
                readable: Condvar::new(),
            })
        }

        fn wake(&self) {
            *self.queue.lock().unwrap() += 1;
            if self.state.notify() == Notify::Write {
                self.writes.fetch_add(1, Ordering::SeqCst);
                *self.descriptor.lock().unwrap() = true;
                self.readable.notify_one();
            }
        }

        /// Runs ticks until `expected` wakes were seen; blocks as the engine does, on the descriptor alone. A lost
        /// wake is a deadlock, which loom reports. Returns the number of ticks.
        fn run_loop(&self, expected: usize) -> usize {
            let mut seen = 0;
            let mut ticks = 0;
            loop {
                ticks += 1;
                loop {
                    if self.state.wake_up() == Found::Queued {
                        seen += std::mem::take(&mut *self.queue.lock().unwrap());
                    }
                    if self.state.try_sleep() == Sleep::Asleep {
                        break;
                    }
                }
                if seen == expected {
                    return ticks;
                }
                let mut descriptor = self.descriptor.lock().unwrap();
                while !*descriptor {
                    descriptor = self.readable.wait(descriptor).unwrap();
                }
                *descriptor = false;
            }
        }
    }

    /// Every schedule with at most three preemptions: all there are take minutes, and find nothing more.
    fn check(f: impl Fn() + Sync + Send + 'static) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(f);
    }

    #[test]
    fn no_wake_is_lost_and_at_most_one_is_written_between_two_wake_ups() {
        check(|| {
            let bridge = Bridge::new();
            let wakers: Vec<_> = (0..2)
                .map(|_| {
                    let bridge = bridge.clone();
                    loom::thread::spawn(move || bridge.wake())
                })
                .collect();
            let ticks = bridge.run_loop(2);
            for waker in wakers {
                waker.join().unwrap();
            }
            // One before the first `wake_up`, and one after each.
            assert!(bridge.writes.load(Ordering::SeqCst) <= ticks + 1);
        });
    }

    #[test]
    fn a_burst_of_one_thread_writes_at_most_once_between_two_wake_ups() {
        check(|| {
            let bridge = Bridge::new();
            let waker = {
                let bridge = bridge.clone();
                loom::thread::spawn(move || {
                    bridge.wake();
                    bridge.wake();
                })
            };
            let ticks = bridge.run_loop(2);
            waker.join().unwrap();
            // One before the first `wake_up`, and one after each.
            assert!(bridge.writes.load(Ordering::SeqCst) <= ticks + 1);
        });
    }
}
