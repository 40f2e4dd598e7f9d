//! The model: what other threads send to an executor that runs, that ends, and that serves again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::thread::spawn;

use super::end::{end_queued, end_tasks};
use super::tick::tick;
use crate::home::{AtHome, Home, Homes, Runnable, Scope, Task};
use crate::model::{Errand, Fate, check};
use crate::status::{self, Status};

/// What begins something: not after the end.
fn job(fate: &Arc<Fate>) -> Runnable {
    let errand = Errand::new(fate);
    Runnable::Job(Box::new(move |_: &Scope| {
        assert_eq!(status::status(), Status::Running);
        errand.run();
    }))
}

/// What ends something.
fn end(fate: &Arc<Fate>) -> Runnable {
    let errand = Errand::new(fate);
    Runnable::Settle(Box::new(move |_: &Scope| errand.run()))
}

fn in_scope(home: &'static Home, f: impl FnOnce(&Scope)) {
    f(&Scope::enter(AtHome::of(home).unwrap()));
}

/// Lwt's loop: it sleeps until its descriptor is readable. A wake that is lost is a deadlock.
fn run_until(home: &'static Home, is_done: impl Fn() -> bool) {
    while !is_done() {
        home.wake.park();
        in_scope(home, tick);
    }
}

/// As `shutdown.rs`: what is between is waiting.
fn shut_down(scope: &Scope) {
    assert!(status::shut_down());
    end_tasks(scope);
    end_queued(scope);
    end_queued(scope);
}

/// A task of another thread's waker.
#[derive(Default)]
struct Woken {
    polls: AtomicUsize,
    cancels: AtomicUsize,
}

impl Woken {
    fn times(&self) -> (usize, usize) {
        (
            self.polls.load(Ordering::SeqCst),
            self.cancels.load(Ordering::SeqCst),
        )
    }
}

impl Task for Woken {
    fn run_remote(self: Arc<Self>, _scope: &Scope) {
        assert_eq!(status::status(), Status::Running);
        self.polls.fetch_add(1, Ordering::SeqCst);
    }

    fn cancel(self: Arc<Self>, _scope: &Scope) {
        self.cancels.fetch_add(1, Ordering::SeqCst);
    }

    fn run(self: Arc<Self>, _scope: &Scope) {
        unreachable!("it is woken on another thread");
    }

    fn run_if_idle(self: Arc<Self>, _scope: &Scope) {
        unreachable!("nobody joins it");
    }

    fn wake_at_home(self: Arc<Self>, _at: AtHome) {
        unreachable!("it is woken on another thread");
    }

    fn disown(self: Arc<Self>, _scope: &Scope) {
        unreachable!("nobody forks");
    }
}

/// Runs `f` with the executor of Lwt, whose thread this is.
fn with_lwts_home(f: impl FnOnce(&'static Home)) {
    let mut homes = Homes::new();
    // SAFETY: `f` joins its threads
    let home = unsafe { homes.add(true) };
    let at = AtHome::install(home);
    f(home);
    at.leave();
}

#[test]
fn what_two_threads_send_is_run_once_and_in_order() {
    check(3, || {
        with_lwts_home(|home| {
            let fates: [_; 3] = std::array::from_fn(|_| Arc::new(Fate::default()));
            let (first, second) = (fates[0].clone(), fates[1].clone());
            let one = spawn(move || {
                home.queue_anywhere(job(&first));
                let errand = Errand::new(&second);
                home.queue_anywhere(Runnable::Settle(Box::new(move |_: &Scope| {
                    assert_eq!(first.done(), 1, "what was sent first");
                    errand.run();
                })));
            });
            let third = fates[2].clone();
            let other = spawn(move || home.queue_anywhere(job(&third)));
            run_until(home, || fates.iter().all(|fate| fate.done() == 1));
            one.join().unwrap();
            other.join().unwrap();
        });
    });
}

#[test]
fn a_call_beside_shutdown_is_run_or_given_back_and_an_end_is_run() {
    check(3, || {
        with_lwts_home(|home| {
            let (call, ending) = (Arc::new(Fate::default()), Arc::new(Fate::default()));
            let calls = spawn({
                let call = call.clone();
                move || home.queue_anywhere(job(&call))
            });
            let ends = spawn({
                let ending = ending.clone();
                move || home.queue_anywhere(end(&ending))
            });
            in_scope(home, tick);
            in_scope(home, shut_down);
            run_until(home, || ending.done() == 1);
            calls.join().unwrap();
            ends.join().unwrap();
            assert!(call.is_decided(), "{call:?}");
            assert!(ending.is_decided(), "{ending:?}");
        });
    });
}

#[test]
fn a_wake_beside_shutdown_is_a_poll_or_the_end_of_its_task_or_refused() {
    check(3, || {
        with_lwts_home(|home| {
            let tasks: [Arc<Woken>; 2] = Default::default();
            let wakers = tasks
                .clone()
                .map(|task| spawn(move || home.send_task(task)));
            in_scope(home, tick);
            in_scope(home, shut_down);
            for (task, waker) in tasks.iter().zip(wakers) {
                let was_sent = waker.join().unwrap();
                let (polls, cancels) = task.times();
                assert_eq!(polls + cancels, usize::from(was_sent));
            }
        });
    });
}

#[test]
fn an_end_that_is_queued_at_home_after_shutdown_is_run_and_a_call_is_not() {
    check(3, || {
        with_lwts_home(|home| {
            let other = Arc::new(Fate::default());
            let ends = spawn({
                let other = other.clone();
                move || home.queue_anywhere(end(&other))
            });
            in_scope(home, shut_down);
            let (call, ending) = (Arc::new(Fate::default()), Arc::new(Fate::default()));
            home.queue_anywhere(job(&call));
            home.queue_anywhere(end(&ending));
            assert_eq!((call.done(), call.given_up()), (0, 1));
            run_until(home, || ending.done() + other.done() == 2);
            ends.join().unwrap();
        });
    });
}

#[test]
fn a_worker_that_ends_leaves_to_the_next_one_what_it_has_not_ended() {
    check(3, || {
        let mut homes = Homes::new();
        // SAFETY: its workers and senders are joined
        let home = unsafe { homes.add(false) };
        let (call, ending) = (Arc::new(Fate::default()), Arc::new(Fate::default()));
        let sends = spawn({
            let (call, ending) = (call.clone(), ending.clone());
            move || {
                home.queue_anywhere(job(&call));
                home.queue_anywhere(end(&ending));
            }
        });
        let first = spawn(move || {
            home.reopen(AtHome::install(home));
            in_scope(home, tick);
            in_scope(home, end_tasks);
            AtHome::here().unwrap().leave();
        });
        first.join().unwrap();
        home.reopen(AtHome::install(home));
        in_scope(home, tick);
        let own = Arc::new(Fate::default());
        home.queue_anywhere(job(&own));
        run_until(home, || ending.done() + own.done() + own.given_up() == 2);
        assert_eq!(own.done(), 1);
        sends.join().unwrap();
        assert!(call.is_decided(), "{call:?}");
        assert!(ending.is_decided(), "{ending:?}");
        AtHome::here().unwrap().leave();
    });
}
