//! What a tick runs, in order.

use std::collections::VecDeque;

/// What was queued at home, and what came from other threads, each first in, first out. The two take turns: what another
/// thread has done, a worker's result or a wake, does not wait for all that is queued at home, nor the reverse.
pub(crate) struct Queue<R> {
    here: VecDeque<R>,
    incoming: VecDeque<R>,
    incoming_is_next: bool,
}

impl<R> Queue<R> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Queue {
            here: VecDeque::with_capacity(capacity),
            incoming: VecDeque::new(),
            incoming_is_next: false,
        }
    }

    /// Queues what was woken or made at home.
    pub(crate) fn push(&mut self, runnable: R) {
        self.here.push_back(runnable);
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<R> {
        if self.incoming.is_empty() {
            return self.here.pop_front();
        }
        self.incoming_is_next = !self.incoming_is_next;
        if self.incoming_is_next || self.here.is_empty() {
            self.incoming.pop_front()
        } else {
            self.here.pop_front()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.here.is_empty() && self.incoming.is_empty()
    }
}

/// Queues what came from other threads.
impl<R> Extend<R> for Queue<R> {
    fn extend<I: IntoIterator<Item = R>>(&mut self, came: I) {
        self.incoming.extend(came);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_take_turns_and_each_is_first_in_first_out() {
        let mut queue = Queue::with_capacity(0);
        (1..=4).for_each(|n| queue.push(n));
        queue.extend([10, 20]);
        let order: Vec<i32> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [10, 1, 20, 2, 3, 4]);
        assert!(queue.is_empty());
    }

    #[test]
    fn neither_waits_for_all_of_the_other() {
        let mut queue = Queue::with_capacity(0);
        queue.extend(0..100);
        queue.push(1_000);
        let before = std::iter::from_fn(|| queue.pop()).position(|n| n == 1_000);
        assert_eq!(before, Some(1));
    }
}
