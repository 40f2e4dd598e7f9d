//! The model: blocking threads that take calls, Lwt's thread, which queues them and makes the threads, and the end.

use std::sync::Arc;
use std::time::Duration;

use loom::sync::mpsc::channel;
use loom::thread::{JoinHandle, spawn};

use super::{Errand, Fate, check};
use crate::blocking_queue::{Calls, Id, Queued};
use crate::lock::step;
use crate::status;

type Call = Box<dyn FnOnce() + Send>;

/// For ever, as far as the model checker is concerned: its waits have no limit.
const DAY: Duration = Duration::from_secs(86_400);

struct World {
    calls: Arc<Calls<Call, ()>>,
    /// How many threads there are at most.
    limit: usize,
    /// How long a thread stays without a call.
    keep_alive: Duration,
    threads: Vec<JoinHandle<()>>,
}

impl World {
    fn new(limit: usize, keep_alive: Duration) -> World {
        World {
            calls: Arc::new(Calls::new()),
            limit,
            keep_alive,
            threads: Vec::new(),
        }
    }

    /// A thread, as `blocking_threads.rs` has it serve. Another one that it wants is this one again, by another name.
    fn make(&mut self, mut id: Id) {
        let (calls, limit, keep_alive) = (self.calls.clone(), self.limit, self.keep_alive);
        self.threads.push(spawn(move || {
            loop {
                while let Some((call, _)) = calls.wait(id, keep_alive) {
                    call();
                    calls.answered();
                }
                let Some(again) = calls.leave(id, limit) else {
                    return;
                };
                id = again;
            }
        }));
    }

    fn submit(&mut self, call: Call) {
        let Queued { wanted, refused } = self.calls.push(call, self.limit);
        drop(refused);
        if let Some(id) = wanted {
            self.make(id);
        }
    }

    /// The end, as `shutdown.rs` has it: when it returns no call runs.
    fn end(self) {
        assert!(status::shut_down());
        drop(self.calls.shutdown());
        assert!(!self.calls.wait_for_all(DAY).is_zero());
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

/// Two calls that are run, with so many threads.
fn all_are_run(limit: usize, keep_alive: Duration) {
    check(2, move || {
        let mut world = World::new(limit, keep_alive);
        let (ends, ended) = channel();
        for _ in 0..2 {
            let ends = ends.clone();
            world.submit(Box::new(move || ends.send(()).unwrap()));
        }
        // A call that nobody takes is a deadlock.
        (0..2).for_each(|_| ended.recv().unwrap());
        world.end();
    });
}

#[test]
fn calls_are_run_by_as_many_threads() {
    all_are_run(2, DAY);
}

#[test]
fn calls_that_are_more_than_threads_are_run_in_turn() {
    all_are_run(1, DAY);
}

#[test]
fn calls_are_run_though_threads_leave_at_once() {
    all_are_run(1, Duration::ZERO);
    all_are_run(2, Duration::ZERO);
}

#[test]
fn calls_beside_the_end_are_run_or_given_back_and_none_runs_after_it() {
    check(3, || {
        let mut world = World::new(1, DAY);
        let fates: [Arc<Fate>; 2] = Default::default();
        for fate in &fates {
            let errand = Errand::new(fate);
            world.submit(Box::new(|| {
                step();
                errand.run();
            }));
        }
        let calls = world.calls.clone();
        assert!(status::shut_down());
        drop(calls.shutdown());
        assert!(!calls.wait_for_all(DAY).is_zero());
        step();
        assert!(fates.iter().all(|fate| fate.is_decided()), "{fates:?}");
        for thread in world.threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_thread_that_comes_though_it_was_refused_keeps_no_call_waiting() {
    check(2, || {
        let mut world = World::new(2, DAY);
        let (second, first) = channel();
        let (ends, ended) = channel();
        // It waits for the second call.
        let call: Call = Box::new({
            let ends = ends.clone();
            move || {
                first.recv().unwrap();
                ends.send(()).unwrap();
            }
        });
        let id = world.calls.push(call, world.limit).wanted.unwrap();
        world.make(id);
        if let Some(again) = world.calls.refused(id, world.limit) {
            world.make(again);
        }
        world.submit(Box::new(move || {
            second.send(()).unwrap();
            ends.send(()).unwrap();
        }));
        (0..2).for_each(|_| ended.recv().unwrap());
        world.end();
    });
}
