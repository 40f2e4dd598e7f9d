//! The states of a task. Pure: no `unsafe`, no OCaml, so that a model checker takes this very file.
//!
//! A task is polled by its domain thread only, and woken from any thread. Rules:
//!
//! 1. A task is in at most one queue, once: whoever moves it from idle to queued puts it there.
//! 2. A wake during a poll is not lost: the poller sees it when it suspends, and queues the task itself.
//! 3. A finished task is never queued again.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU8, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU8, Ordering};

/// Waits to be woken; in no queue.
const IDLE: u8 = 0;
/// In a queue, or woken during its poll and about to be queued. A bit, so that a wake is one `fetch_or`.
const QUEUED: u8 = 1;
/// Being polled, or about to be for the first time. Only the domain thread enters and leaves it.
const RUNNING: u8 = 2;
/// The future is gone. Final; a late wake may add `QUEUED` to it, which nobody looks at.
const DONE: u8 = 4;

/// What the waker must do now.
#[must_use = "a task that is not queued is a lost wake"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Put the task into a queue.
    Enqueue,
    /// Nothing: it is queued, or will be by its poller, or is done.
    Nothing,
}

/// What the poller must do now.
#[must_use = "a task that is not queued is a lost wake"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspend {
    /// Nobody woke it: forget it until somebody does.
    Idle,
    /// It was woken during the poll: put it into the queue.
    Enqueue,
}

#[derive(Debug)]
pub(crate) struct TaskState(AtomicU8);

impl TaskState {
    /// A task whose creator polls it right away.
    pub(crate) fn running() -> Self {
        TaskState(AtomicU8::new(RUNNING))
    }

    /// A task that its creator queues.
    pub(crate) fn queued() -> Self {
        TaskState(AtomicU8::new(QUEUED))
    }

    /// From any thread.
    pub(crate) fn wake(&self) -> Wake {
        match self.0.fetch_or(QUEUED, Ordering::AcqRel) {
            IDLE => Wake::Enqueue,
            _ => Wake::Nothing,
        }
    }

    /// On the domain thread, when the task was taken out of the queue. False when it is done: there is nothing to poll.
    #[must_use]
    pub(crate) fn start(&self) -> bool {
        if self.is_done() {
            return false;
        }
        // `AcqRel`: the poll sees what the wakers did before they woke. Only this thread sets `DONE`.
        self.0.swap(RUNNING, Ordering::AcqRel);
        true
    }

    /// On the domain thread, after a poll that returned pending.
    pub(crate) fn suspend(&self) -> Suspend {
        match self
            .0
            .compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => Suspend::Idle,
            Err(_) => {
                self.0.fetch_and(!RUNNING, Ordering::AcqRel);
                Suspend::Enqueue
            }
        }
    }

    /// On the domain thread, before the future is dropped.
    pub(crate) fn finish(&self) {
        self.0.store(DONE, Ordering::Release);
    }

    /// On the domain thread.
    pub(crate) fn is_running(&self) -> bool {
        self.0.load(Ordering::Relaxed) & RUNNING != 0
    }

    /// Exact on the domain thread, a hint elsewhere.
    pub(crate) fn is_done(&self) -> bool {
        self.0.load(Ordering::Relaxed) & DONE != 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_wake_during_a_poll_queues_the_task_again() {
        let state = TaskState::running();
        assert_eq!(state.wake(), Wake::Nothing);
        assert_eq!(state.suspend(), Suspend::Enqueue);
        assert_eq!(state.wake(), Wake::Nothing);
        assert!(state.start());
        assert_eq!(state.suspend(), Suspend::Idle);
        assert_eq!(state.wake(), Wake::Enqueue);
    }

    #[test]
    fn a_finished_task_is_never_queued() {
        let state = TaskState::running();
        state.finish();
        assert_eq!(state.wake(), Wake::Nothing);
        assert!(!state.start());
    }
}

/// The model: wakers against a poller; the task must be polled after the last wake, and be in one queue at most.
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;

    struct Task {
        state: TaskState,
        /// How often the task stands in the queue.
        queue: AtomicUsize,
        /// What the wakers published.
        published: AtomicUsize,
    }

    fn push(task: &Task) {
        assert_eq!(task.queue.fetch_add(1, Ordering::SeqCst), 0, "queued twice");
    }

    fn poll(task: &Task) -> usize {
        let seen = task.published.load(Ordering::Relaxed);
        if task.state.suspend() == Suspend::Enqueue {
            push(task);
        }
        seen
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
                state: TaskState::running(),
                queue: AtomicUsize::new(0),
                published: AtomicUsize::new(0),
            });
            let wakers: Vec<_> = (0..2)
                .map(|_| {
                    let task = task.clone();
                    loom::thread::spawn(move || {
                        task.published.fetch_add(1, Ordering::Relaxed);
                        if task.state.wake() == Wake::Enqueue {
                            push(&task);
                        }
                    })
                })
                .collect();
            let mut seen = poll(&task);
            while seen < 2 {
                if task.queue.load(Ordering::SeqCst) == 1 {
                    task.queue.fetch_sub(1, Ordering::SeqCst);
                    assert!(task.state.start());
                    seen = poll(&task);
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
