//! The model: what other threads send to an executor that runs, that ends, and that serves again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::thread::spawn;

use super::end::{end_queued, end_tasks};
use super::tick::tick;
use crate::ending::Ending;
use crate::home::{AtHome, Home, Homes, Runnable, Scope};
use crate::model::{Errand, Fate, check};
use crate::status::{self, Status};
use crate::task_cell::{Completion, TaskCell};

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

/// What has become of a task that another thread has made, and so has sent home. Only counted.
#[derive(Debug, Default)]
struct Sent {
    polled: AtomicUsize,
    ended: AtomicUsize,
    refused: AtomicUsize,
}

impl Sent {
    fn times(&self) -> usize {
        let counts = [&self.polled, &self.ended, &self.refused];
        counts
            .map(|count| count.load(Ordering::Relaxed))
            .iter()
            .sum()
    }
}

/// Its completion.
struct Ends(Option<Arc<Sent>>);

impl Completion<&'static Home, ()> for Ends {
    fn complete(mut self, _scope: &Scope, ending: Ending<()>) {
        let sent = self.0.take().expect("it is completed once");
        match ending {
            Ending::Value(()) => &sent.polled,
            _ => &sent.ended,
        }
        .fetch_add(1, Ordering::Relaxed);
    }

    fn disown(self, _scope: &Scope) {
        unreachable!("nobody forks");
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(sent) = &self.0 {
            sent.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Makes the task.
fn send(home: &'static Home, sent: &Arc<Sent>) {
    let future = async { assert_eq!(status::status(), Status::Running) };
    drop(TaskCell::remote(
        home,
        None,
        future,
        Ends(Some(sent.clone())),
    ));
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
fn a_task_of_another_thread_beside_shutdown_is_polled_or_ended_or_refused() {
    check(3, || {
        with_lwts_home(|home| {
            let tasks: [Arc<Sent>; 2] = Default::default();
            let senders = tasks.clone().map(|sent| spawn(move || send(home, &sent)));
            in_scope(home, tick);
            in_scope(home, shut_down);
            for (task, sender) in tasks.iter().zip(senders) {
                sender.join().unwrap();
                assert_eq!(task.times(), 1, "{task:?}");
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
