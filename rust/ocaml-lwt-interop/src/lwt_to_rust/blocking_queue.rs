//! The calls that wait for a blocking thread, and the threads that wait for a call. Knows nothing of OCaml.
//!
//! 1. Where more calls wait than there are threads free for them, one more is wanted, up to a limit. Who is told so makes it, or
//!    says that there is none. From then on it counts as free, until it has a call or leaves.
//! 2. A thread that ends leaves under the lock under which it finds no call. If calls wait for which none is free then, one more is
//!    wanted again.
//! 3. At the end nothing is queued any more, what waits is given back, and threads without a call leave.
//! 4. Under the lock nothing is dropped that belongs to the user, and nothing is woken but threads of ours.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::checked::{Condvar, Mutex, MutexGuard};
use crate::status::{Status, status};

/// A thread, from the moment that it is asked for.
pub(crate) type Id = isize;

/// Of calls `C`; `S` is the signals of a thread.
pub(super) struct Calls<C, S> {
    queue: Mutex<Queue<C, S>>,
    /// A call came, or the end.
    came: Condvar,
    /// A thread has answered.
    answered: Condvar,
}

struct Queue<C, S> {
    calls: VecDeque<C>,
    /// The threads that there are, or are to be.
    threads: Vec<Id>,
    /// How many have a call, also of those that were given up.
    busy: usize,
    /// How many there ever were.
    made: Id,
    /// The signals of the thread that runs Lwt, as it last made a thread.
    signals: Option<S>,
}

impl<C, S> Queue<C, S> {
    const NEW: Self = Queue {
        calls: VecDeque::new(),
        threads: Vec::new(),
        busy: 0,
        made: 0,
        signals: None,
    };

    /// Rule 1.
    fn wanted(&mut self, limit: usize) -> Option<Id> {
        // A thread may have a call and be none of these: it was given up, and has come all the same.
        let free = self.threads.len().saturating_sub(self.busy);
        if self.calls.len() <= free || self.threads.len() >= limit {
            return None;
        }
        self.made += 1;
        self.threads.push(self.made);
        Some(self.made)
    }

    fn remove(&mut self, id: Id) {
        self.threads.retain(|it| *it != id);
    }
}

/// What queuing a call leaves to be done.
#[must_use = "a thread that is not made leaves calls waiting"]
pub(super) struct Queued<C> {
    /// A thread to be made.
    pub(super) wanted: Option<Id>,
    /// The call: the bridge has ended.
    pub(super) refused: Option<C>,
}

impl<C, S: Copy> Calls<C, S> {
    #[cfg(not(loom))]
    pub(super) const fn new() -> Self {
        Calls {
            queue: Mutex::new(Queue::NEW),
            came: Condvar::new(),
            answered: Condvar::new(),
        }
    }

    #[cfg(loom)]
    pub(super) fn new() -> Self {
        Calls {
            queue: Mutex::new(Queue::NEW),
            came: Condvar::new(),
            answered: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<C, S>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, call: C, limit: usize) -> Queued<C> {
        let mut queue = self.lock();
        // Looked at under the lock: the end is noted before the queue is emptied.
        let queued = if status() == Status::Running {
            queue.calls.push_back(call);
            Queued {
                wanted: queue.wanted(limit),
                refused: None,
            }
        } else {
            Queued {
                wanted: None,
                refused: Some(call),
            }
        };
        drop(queue);
        self.came.notify_one();
        queued
    }

    /// A thread that was wanted was not made: whether to try again, for the calls that wait.
    pub(super) fn refused(&self, id: Id, limit: usize) -> Option<Id> {
        let mut queue = self.lock();
        queue.remove(id);
        queue.wanted(limit)
    }

    /// There will be none. If there is no other thread either, the calls that wait come back.
    pub(super) fn give_up(&self, id: Id) -> VecDeque<C> {
        let mut queue = self.lock();
        queue.remove(id);
        if queue.threads.is_empty() {
            std::mem::take(&mut queue.calls)
        } else {
            VecDeque::new()
        }
    }

    pub(super) fn set_signals(&self, signals: S) {
        self.lock().signals = Some(signals);
    }

    /// A thread ends, maybe with calls that wait: whether to make another.
    pub(super) fn leave(&self, id: Id, limit: usize) -> Option<Id> {
        let mut queue = self.lock();
        queue.remove(id);
        (status() == Status::Running)
            .then(|| queue.wanted(limit))
            .flatten()
    }

    /// Waits for a call, without the runtime lock, and gives it with the signals of home. None: the thread is to end.
    pub(super) fn wait(&self, id: Id, keep_alive: Duration) -> Option<(C, Option<S>)> {
        let until = Instant::now().checked_add(keep_alive);
        let mut queue = self.lock();
        while status() == Status::Running && queue.threads.contains(&id) {
            if let Some(call) = queue.calls.pop_front() {
                queue.busy += 1;
                return Some((call, queue.signals));
            }
            let left = until.map_or(keep_alive, |until| {
                until.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                break;
            }
            queue = self
                .came
                .wait_timeout(queue, left)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(queue, _)| queue);
        }
        queue.remove(id);
        None
    }

    /// A thread has no call any more.
    pub(super) fn answered(&self) {
        self.lock().busy -= 1;
        self.answered.notify_all();
    }

    /// At the end of the bridge: threads without a call leave. The calls that have not begun come back, to be dropped.
    pub(super) fn shutdown(&self) -> VecDeque<C> {
        let waiting = std::mem::take(&mut self.lock().calls);
        self.came.notify_all();
        waiting
    }

    /// Waits until no call runs, at most so long; gives the time that is left.
    pub(super) fn wait_for_all(&self, timeout: Duration) -> Duration {
        let deadline = Instant::now() + timeout;
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut queue = self.lock();
        while queue.busy > 0 && !left().is_zero() {
            queue = self
                .answered
                .wait_timeout(queue, left())
                .map_or_else(|poisoned| poisoned.into_inner().0, |(queue, _)| queue);
        }
        drop(queue);
        left()
    }
}
