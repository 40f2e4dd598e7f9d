//! A pool: the jobs that wait, and the workers that wait for one.
//!
//! 1. A worker that finds no job is entered as idle under the lock that it looked under, and only then parks; who submits a
//!    job takes one idle worker out and wakes it. So no job waits while a worker sleeps.
//! 2. Under the lock nothing is woken or dropped.
//! 3. Workers of a pool that was closed leave one after the other, each when OCaml says that the one before it has gone,
//!    domain and all. boxroot gives the roots of a domain that ends to the next domain that collects, and two domains that
//!    end without a collection in between corrupt its list of them when they have thousands (boxroot 0.4, `orphan_pools`:
//!    `ring_push_back` takes a ring of several pools for one of a single pool).

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::job::Job;
use crate::executor::Home;
use crate::executor::lifetime::{Status, status};

pub(crate) struct Pool {
    state: Mutex<State>,
    /// A worker has left.
    left: Condvar,
}

struct State {
    jobs: VecDeque<Arc<dyn Job>>,
    /// How many of them were given up.
    gone: usize,
    idle: Vec<&'static Home>,
    workers: Vec<Worker>,
    phase: Phase,
}

struct Worker {
    home: &'static Home,
    running: Option<Arc<dyn Job>>,
    has_left: bool,
    /// Who waits until it has.
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Jobs are taken.
    Open,
    /// New jobs are refused; so many workers may leave when none is left.
    Closed { may_leave: usize },
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

/// What a pool leaves whose last worker has left.
pub(super) struct Remains {
    pub(super) homes: Vec<&'static Home>,
    /// Nobody will run them.
    pub(super) jobs: Vec<Arc<dyn Job>>,
}

impl Pool {
    pub(super) fn new(homes: Vec<&'static Home>) -> Arc<Pool> {
        Self::in_phase(homes, Phase::Open)
    }

    /// One that takes nothing.
    pub(super) fn ended() -> Arc<Pool> {
        Self::in_phase(Vec::new(), Phase::Closed { may_leave: 0 })
    }

    fn in_phase(homes: Vec<&'static Home>, phase: Phase) -> Arc<Pool> {
        let worker = |home| Worker {
            home,
            running: None,
            has_left: false,
            waker: None,
        };
        Arc::new(Pool {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                gone: 0,
                idle: Vec::with_capacity(homes.len()),
                workers: homes.into_iter().map(worker).collect(),
                phase,
            }),
            left: Condvar::new(),
        })
    }

    pub(super) fn home(&self, worker: usize) -> &'static Home {
        self.lock().workers[worker].home
    }

    /// From any thread. The job comes back when the pool was closed.
    pub(super) fn submit<J: Job + 'static>(&self, job: Arc<J>) -> Result<(), Arc<J>> {
        let mut state = self.lock();
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
        let mut state = self.lock();
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
        let mut state = self.lock();
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
            Phase::Closed { may_leave } if worker < may_leave => Next::Leave,
            Phase::Open | Phase::Closed { .. } => {
                state.idle.push(home);
                Next::Park
            }
        }
    }

    /// The worker has run its job.
    pub(super) fn done(&self, worker: usize) {
        let job = self.lock().workers[worker].running.take();
        drop(job);
    }

    /// Refuses jobs from now on. With `cancel`, those that run are asked to end, and those that wait are given back.
    pub(super) fn close(&self, cancel: bool) -> Vec<Arc<dyn Job>> {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closed { may_leave: 0 };
        }
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

    /// Lets the worker leave when nothing is left to do; ready when it has.
    pub(super) fn poll_leave(&self, worker: usize, context: &Context<'_>) -> Poll<()> {
        let waker = context.waker().clone();
        let mut state = self.lock();
        if state.workers[worker].has_left {
            return Poll::Ready(());
        }
        let before = state.workers[worker].waker.replace(waker);
        if let Phase::Closed { may_leave } = &mut state.phase {
            *may_leave = (*may_leave).max(worker + 1);
        }
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        drop(before);
        for home in idle {
            home.wake.signal();
        }
        Poll::Pending
    }

    /// The worker runs nothing any more. When it was the last, gives what the pool leaves.
    pub(super) fn leave(&self, worker: usize) -> Option<Remains> {
        let mut state = self.lock();
        let State {
            jobs,
            workers,
            phase,
            ..
        } = &mut *state;
        workers[worker].has_left = true;
        let waker = workers[worker].waker.take();
        let last = workers.iter().all(|worker| worker.has_left).then(|| {
            *phase = Phase::Closed { may_leave: 0 };
            Remains {
                homes: workers.iter().map(|worker| worker.home).collect(),
                jobs: jobs.drain(..).collect(),
            }
        });
        drop(state);
        self.left.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
        last
    }

    /// Whether there is a worker of this index: not in a pool that has ended.
    pub(super) fn has(&self, worker: usize) -> bool {
        worker < self.lock().workers.len()
    }

    pub(super) fn alive(&self) -> usize {
        let state = self.lock();
        state
            .workers
            .iter()
            .filter(|worker| !worker.has_left)
            .count()
    }

    /// Blocks until all workers have left, or until then.
    pub(super) fn wait(&self, deadline: Instant) {
        let mut state = self.lock();
        while state.workers.iter().any(|worker| !worker.has_left) {
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
