//! What several models share.

mod blocking;
mod slot;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::{Condvar, Mutex};

/// Every order of the threads with at most so many preemptions. All orders would take minutes to hours.
pub(crate) fn check(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(f);
}

/// Who waits for a wake. One that is lost is a deadlock, which loom reports.
#[derive(Default)]
pub(crate) struct Parked {
    is_woken: Mutex<bool>,
    changed: Condvar,
}

impl Parked {
    pub(crate) fn wait(&self) {
        let mut is_woken = self.is_woken.lock().unwrap();
        while !*is_woken {
            is_woken = self.changed.wait(is_woken).unwrap();
        }
        *is_woken = false;
    }
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        *self.is_woken.lock().unwrap() = true;
        self.changed.notify_one();
    }
}

/// Polls until it is ready; in between this thread sleeps until it is woken.
pub(crate) fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let parked = Arc::new(Parked::default());
    let waker = Waker::from(parked.clone());
    loop {
        if let Poll::Ready(value) = poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        parked.wait();
    }
}

/// What has become of an [`Errand`]. Only counted, so the model checker need not know of it.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    done: AtomicUsize,
    given_up: AtomicUsize,
}

impl Fate {
    pub(crate) fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    pub(crate) fn given_up(&self) -> usize {
        self.given_up.load(Ordering::Relaxed)
    }

    /// It was done once, or given up once.
    pub(crate) fn is_decided(&self) -> bool {
        self.done() + self.given_up() == 1
    }
}

/// What a closure is for: to be done once, unless the closure is dropped.
pub(crate) struct Errand(Option<Arc<Fate>>);

impl Errand {
    pub(crate) fn new(fate: &Arc<Fate>) -> Errand {
        Errand(Some(fate.clone()))
    }

    pub(crate) fn run(mut self) {
        let fate = self.0.take().expect("it is done once");
        fate.done.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        if let Some(fate) = &self.0 {
            fate.given_up.fetch_add(1, Ordering::Relaxed);
        }
    }
}
