//! A pool: the jobs that wait, and the workers that wait for one.
//!
//! 1. A worker that finds no job is noted as idle before it gives the lock back, and parks only then. The thread that
//!    submits a job takes one idle worker out of the list and wakes it. So no job waits while a worker sleeps.
//! 2. Under the lock nothing is woken or dropped. In the child of a `fork`, where the lock may not be had, a pool has no
//!    workers.
//! 3. A worker that was woken for a task of its own is not idle any more. Nobody gives it a job before it asks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::job::Job;
use crate::home::Home;
use crate::lock::{Condvar, Mutex};
use crate::status::{Status, status};

pub(crate) struct Pool {
    state: Mutex<State>,
    /// All workers have left.
    left: Condvar,
}

struct State {
    jobs: VecDeque<Arc<dyn Job>>,
    /// How many of them were given up.
    gone: usize,
    idle: Vec<&'static Home>,
    workers: Vec<Worker>,
    phase: Phase,
    /// How many workers have not left.
    alive: usize,
    /// Who waits until all have.
    wakers: Vec<Waker>,
}

struct Worker {
    home: &'static Home,
    running: Option<Arc<dyn Job>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Jobs are taken.
    Open,
    /// New jobs are refused, and workers leave when none is left.
    Closed,
}

/// What a worker does now.
#[must_use]
pub(crate) enum Next {
    Run(Arc<dyn Job>),
    /// Nothing is to be done: park. Whoever has something wakes this worker.
    Park,
    /// The domain ends.
    Leave,
}

impl Pool {
    pub(super) fn new(homes: Vec<&'static Home>) -> Arc<Pool> {
        Self::in_phase(homes, Phase::Open)
    }

    /// One that takes nothing.
    pub(super) fn ended() -> Arc<Pool> {
        Self::in_phase(Vec::new(), Phase::Closed)
    }

    fn in_phase(homes: Vec<&'static Home>, phase: Phase) -> Arc<Pool> {
        let worker = |home| Worker {
            home,
            running: None,
        };
        Arc::new(Pool {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                gone: 0,
                idle: Vec::with_capacity(homes.len()),
                alive: homes.len(),
                workers: homes.into_iter().map(worker).collect(),
                phase,
                wakers: Vec::new(),
            }),
            left: Condvar::new(),
        })
    }

    pub(super) fn homes(&self) -> Vec<&'static Home> {
        let state = self.state.lock();
        let workers = state.iter().flat_map(|state| &state.workers);
        workers.map(|worker| worker.home).collect()
    }

    /// Whether it is the executor of one of its workers.
    pub(super) fn has(&self, home: &'static Home) -> bool {
        let state = self.state.lock();
        let mut workers = state.iter().flat_map(|state| &state.workers);
        workers.any(|worker| std::ptr::eq(worker.home, home))
    }

    pub(super) fn home(&self, worker: usize) -> &'static Home {
        let state = self.state.lock();
        state
            .expect("a domain is started by the process that made its pool")
            .workers[worker]
            .home
    }

    /// From any thread. The job comes back when the pool was closed.
    pub(super) fn submit<J: Job + 'static>(&self, job: Arc<J>) -> Result<(), Arc<J>> {
        let Some(mut state) = self.state.lock() else {
            return Ok(());
        };
        if state.phase != Phase::Open {
            return Err(job);
        }
        state.jobs.push_back(job);
        let idle = state.idle.pop();
        drop(state);
        if let Some(home) = idle {
            home.wake.signal();
        }
        Ok(())
    }

    /// A job in the queue was given up: it is empty. Many of them are taken out.
    pub(super) fn one_is_gone(&self) {
        let Some(mut state) = self.state.lock() else {
            return;
        };
        state.gone += 1;
        if state.gone < 64 || state.gone * 2 < state.jobs.len() {
            return;
        }
        state.gone = 0;
        let jobs = std::mem::take(&mut state.jobs);
        let (waiting, empty): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.is_waiting());
        state.jobs = waiting.into();
        drop(state);
        drop(empty);
    }

    /// What the worker does next; it has nothing to do of its own, or may do it later.
    pub(super) fn next(&self, worker: usize) -> Next {
        let Some(mut state) = self.state.lock() else {
            return Next::Leave;
        };
        let home = state.workers[worker].home;
        state.idle.retain(|idle| !std::ptr::eq(*idle, home));
        // Looked at under the lock: the bridge's end is noted before this pool is closed, which wakes the idle.
        if status() != Status::Running {
            return Next::Leave;
        }
        if let Some(job) = state.jobs.pop_front() {
            state.workers[worker].running = Some(job.clone());
            return Next::Run(job);
        }
        state.gone = 0;
        match state.phase {
            Phase::Closed => Next::Leave,
            Phase::Open => {
                state.idle.push(home);
                Next::Park
            }
        }
    }

    /// The worker was woken, by a submission or for something of its own, which it does first. A job that waits for it goes to
    /// another one, if there is one.
    pub(super) fn woken(&self, worker: usize) {
        let Some(mut state) = self.state.lock() else {
            return;
        };
        let home = state.workers[worker].home;
        state.idle.retain(|idle| !std::ptr::eq(*idle, home));
        let other = if state.jobs.is_empty() {
            None
        } else {
            state.idle.pop()
        };
        drop(state);
        if let Some(home) = other {
            home.wake.signal();
        }
    }

    /// The worker has run its job.
    pub(super) fn done(&self, worker: usize) {
        let state = self.state.lock();
        let job = state.and_then(|mut state| state.workers[worker].running.take());
        drop(job);
    }

    /// Refuses jobs from now on. With `cancel`, those that run are asked to end, and those that wait are given back.
    pub(super) fn close(&self, cancel: bool) -> Vec<Arc<dyn Job>> {
        let Some(mut state) = self.state.lock() else {
            return Vec::new();
        };
        state.phase = Phase::Closed;
        let (mut waiting, mut running) = (Vec::new(), Vec::new());
        if cancel {
            waiting.extend(state.jobs.drain(..));
            state.gone = 0;
            running.extend(state.workers.iter().filter_map(|w| w.running.clone()));
        }
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        // A worker may have taken one that it has not begun.
        waiting.extend(running.into_iter().filter(|job| !job.cancel()));
        for home in idle {
            home.wake.signal();
        }
        waiting
    }

    /// Ready when all workers have left. For a future that is polled again only then.
    pub(super) fn poll_left(&self, context: &Context<'_>) -> Poll<()> {
        let waker = context.waker().clone();
        let Some(mut state) = self.state.lock() else {
            return Poll::Pending;
        };
        if state.alive == 0 {
            return Poll::Ready(());
        }
        state.wakers.push(waker);
        Poll::Pending
    }

    /// A worker runs nothing any more. The last one gets the jobs that nobody will run.
    pub(super) fn leave(&self, worker: usize) -> Vec<Arc<dyn Job>> {
        let Some(mut state) = self.state.lock() else {
            return Vec::new();
        };
        let home = state.workers[worker].home;
        state.idle.retain(|idle| !std::ptr::eq(*idle, home));
        state.alive -= 1;
        if state.alive > 0 {
            return Vec::new();
        }
        state.phase = Phase::Closed;
        let wakers = std::mem::take(&mut state.wakers);
        let jobs = state.jobs.drain(..).collect();
        drop(state);
        self.left.notify_all();
        wakers.into_iter().for_each(Waker::wake);
        jobs
    }

    pub(super) fn alive(&self) -> usize {
        self.state.lock().map_or(0, |state| state.alive)
    }

    /// Blocks until all workers have left, or until then.
    pub(super) fn wait(&self, deadline: Instant) {
        let Some(mut state) = self.state.lock() else {
            return;
        };
        while state.alive > 0 {
            let Some(left) = deadline
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
            else {
                return;
            };
            state = self
                .left
                .wait_timeout(state, left)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
    }
}
