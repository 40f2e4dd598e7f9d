//! The states of a task. Pure: no `unsafe`, no OCaml, so that a model checker takes this very file.
//!
//! A task is polled by its domain thread only, and woken from any thread. Its state is in two parts, so that what
//! happens at home, which is nearly everything, costs no atomic operation (they were a quarter of a call): [`AtHomeState`]
//! is the domain thread's own, [`RemoteState`] is a flag that the others set. Rules:
//!
//! 1. A task is at most once in the domain's own queue, and at most once in the queue from other threads: whoever sets
//!    the state puts it there.
//! 2. A wake during a poll is not lost: the poller sees it when it suspends, and queues the task itself.
//! 3. A finished task is never polled again.

use crate::checked::{AtomicBool, Cell, Ordering};

/// What the waker must do now.
#[must_use = "a task that is not queued is a lost wake"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterWake {
    /// Put the task into the queue: the domain's own, or the one from other threads.
    Enqueue,
    /// Nothing: it is queued, or will be by its poller, or is done.
    Nothing,
}

/// What the poller must do now.
#[must_use = "a task that is not queued is a lost wake"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterSuspend {
    /// Nobody at home woke it: forget it until somebody does.
    Idle,
    /// It was woken during the poll: put it into the domain's own queue.
    Enqueue,
}

/// The domain thread's part; the methods are called there.
#[derive(Debug)]
pub(crate) struct AtHomeState(Cell<State>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waits to be woken; not in the domain's own queue.
    Idle,
    /// In the domain's own queue.
    Queued,
    /// Being polled, or about to be for the first time.
    Running,
    /// Being polled, and woken meanwhile at home.
    Woken,
    /// The future is gone. Final.
    Done,
}

impl AtHomeState {
    /// A task whose creator polls it right away.
    pub(crate) fn running() -> Self {
        AtHomeState(Cell::new(State::Running))
    }

    /// A task that its creator puts into the domain's own queue.
    pub(crate) fn queued() -> Self {
        AtHomeState(Cell::new(State::Queued))
    }

    /// A task that its creator, on another thread, sends home.
    pub(crate) fn idle() -> Self {
        AtHomeState(Cell::new(State::Idle))
    }

    pub(crate) fn wake(&self) -> AfterWake {
        match self.0.get() {
            State::Idle => {
                self.0.set(State::Queued);
                AfterWake::Enqueue
            }
            State::Running => {
                self.0.set(State::Woken);
                AfterWake::Nothing
            }
            State::Queued | State::Woken | State::Done => AfterWake::Nothing,
        }
    }

    /// The task was taken out of the domain's own queue. False when it is done: there is nothing to poll.
    #[must_use]
    pub(crate) fn start(&self) -> bool {
        match self.0.get() {
            State::Queued => {
                self.0.set(State::Running);
                true
            }
            State::Done => false,
            state => unreachable!("a task in the queue is {state:?}"),
        }
    }

    /// The task was taken out of the queue from other threads. False when it need not be polled now: it is queued here
    /// as well, or is being polled further down the stack and will be queued, or is done.
    #[must_use]
    pub(crate) fn start_remote(&self) -> bool {
        match self.0.get() {
            State::Idle => {
                self.0.set(State::Running);
                true
            }
            State::Running => {
                self.0.set(State::Woken);
                false
            }
            State::Queued | State::Woken | State::Done => false,
        }
    }

    /// The task is to be polled without having been queued. False unless it waits to be woken.
    #[must_use]
    pub(crate) fn start_idle(&self) -> bool {
        let idle = self.0.get() == State::Idle;
        if idle {
            self.0.set(State::Running);
        }
        idle
    }

    /// After a poll that returned pending.
    pub(crate) fn suspend(&self) -> AfterSuspend {
        match self.0.get() {
            State::Running => {
                self.0.set(State::Idle);
                AfterSuspend::Idle
            }
            State::Woken => {
                self.0.set(State::Queued);
                AfterSuspend::Enqueue
            }
            state => unreachable!("a task that suspends is {state:?}"),
        }
    }

    /// Before the future is dropped.
    pub(crate) fn finish(&self) {
        self.0.set(State::Done);
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.0.get(), State::Running | State::Woken)
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.0.get() == State::Woken
    }

    pub(crate) fn is_done(&self) -> bool {
        self.0.get() == State::Done
    }
}

/// The other threads' part: whether the task is in the queue from them, or on its way there.
#[derive(Debug)]
pub(crate) struct RemoteState(AtomicBool);

impl RemoteState {
    pub(crate) fn idle() -> Self {
        RemoteState(AtomicBool::new(false))
    }

    /// A task that its creator sends home.
    pub(crate) fn queued() -> Self {
        RemoteState(AtomicBool::new(true))
    }

    /// On another thread. `AcqRel`: the poll that follows sees what was done before.
    pub(crate) fn wake(&self) -> AfterWake {
        if self.0.swap(true, Ordering::AcqRel) {
            AfterWake::Nothing
        } else {
            AfterWake::Enqueue
        }
    }

    /// On the domain thread, when the task was taken out of the queue from other threads, before it is polled.
    pub(crate) fn taken(&self) {
        self.0.swap(false, Ordering::AcqRel);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_wake_during_a_poll_queues_the_task_again() {
        let state = AtHomeState::running();
        assert_eq!(state.wake(), AfterWake::Nothing);
        assert_eq!(state.suspend(), AfterSuspend::Enqueue);
        assert_eq!(state.wake(), AfterWake::Nothing);
        assert!(state.start());
        assert_eq!(state.suspend(), AfterSuspend::Idle);
        assert_eq!(state.wake(), AfterWake::Enqueue);
    }

    #[test]
    fn a_task_is_polled_unqueued_only_while_it_waits() {
        let state = AtHomeState::idle();
        assert!(state.start_idle());
        assert!(!state.start_idle());
        assert_eq!(state.suspend(), AfterSuspend::Idle);
        assert_eq!(state.wake(), AfterWake::Enqueue);
        assert!(!state.start_idle());
        assert!(state.start());
        state.finish();
        assert!(!state.start_idle());
    }

    #[test]
    fn a_task_in_both_queues_is_polled_from_its_own() {
        let state = AtHomeState::queued();
        assert!(!state.start_remote());
        assert!(state.start());
    }

    #[test]
    fn a_remote_wake_seen_during_a_poll_queues_the_task_again() {
        let state = AtHomeState::running();
        assert!(!state.start_remote());
        assert_eq!(state.suspend(), AfterSuspend::Enqueue);
    }

    #[test]
    fn a_finished_task_is_never_queued_or_polled() {
        let state = AtHomeState::queued();
        state.finish();
        assert_eq!(state.wake(), AfterWake::Nothing);
        assert!(!state.start());
        assert!(!state.start_remote());
    }
}

/// The model: wakers against a poller; the task must be polled after the last wake, and be queued at most once.
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;

    struct Task {
        state: RemoteState,
        /// How often the task stands in the queue.
        queue: AtomicUsize,
        /// What the wakers published.
        published: AtomicUsize,
    }

    /// Every schedule with at most three preemptions: all there are take minutes, and find nothing more.
    fn check(f: impl Fn() + Sync + Send + 'static) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(f);
    }

    #[test]
    fn the_last_wake_is_followed_by_a_poll_that_sees_it() {
        check(|| {
            let task = Arc::new(Task {
                state: RemoteState::idle(),
                queue: AtomicUsize::new(0),
                published: AtomicUsize::new(0),
            });
            let wakers: Vec<_> = (0..2)
                .map(|_| {
                    let task = task.clone();
                    loom::thread::spawn(move || {
                        task.published.fetch_add(1, Ordering::Relaxed);
                        if task.state.wake() == AfterWake::Enqueue {
                            assert_eq!(
                                task.queue.fetch_add(1, Ordering::SeqCst),
                                0,
                                "queued twice"
                            );
                        }
                    })
                })
                .collect();
            let mut seen = 0;
            while seen < 2 {
                if task.queue.load(Ordering::SeqCst) == 1 {
                    task.queue.fetch_sub(1, Ordering::SeqCst);
                    task.state.taken();
                    seen = task.published.load(Ordering::Relaxed);
                } else {
                    loom::thread::yield_now();
                }
            }
            for waker in wakers {
                waker.join().unwrap();
            }
        });
    }
}
