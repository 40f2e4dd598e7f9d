//! The model: workers, who has them work, and who closes the pool.

use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use loom::sync::mpsc::channel;
use loom::thread::{JoinHandle, spawn, yield_now};

use super::job::{Job, JobCell};
use super::queue::{Next, Pool};
use crate::error::Error;
use crate::executor::end::end_tasks;
use crate::executor::tick;
use crate::home::{AtHome, Homes, Runnable, Scope};
use crate::model::{Errand, Fate, block_on, check};
use crate::status;

/// A pool of so many workers, for one order of the threads.
struct World {
    pool: Arc<Pool>,
    workers: Vec<JoinHandle<()>>,
    homes: Homes,
}

impl World {
    fn new(workers: usize) -> World {
        let mut homes = Homes::new();
        let of_workers: Vec<_> = (0..workers)
            // SAFETY: `end` joins the workers, and gives the homes to who joins the other threads
            .map(|_| unsafe { homes.add(false) })
            .collect();
        World {
            pool: Pool::new(of_workers),
            workers: Vec::new(),
            homes,
        }
    }

    fn start(&mut self) {
        let count = self.pool.alive();
        self.workers.extend((0..count).map(|index| {
            let pool = self.pool.clone();
            spawn(move || work(&pool, index))
        }));
    }

    /// The pool was closed: all workers leave, and who waits for that is woken. Another thread may still wake a worker: then the
    /// homes have to be there.
    fn end(self) -> Homes {
        self.pool.wait(Instant::now() + Duration::from_secs(86_400));
        assert_eq!(self.pool.alive(), 0);
        block_on(|context| self.pool.poll_left(context));
        for worker in self.workers {
            worker.join().unwrap();
        }
        self.homes
    }
}

/// A worker from its beginning to its end: `start`, `turn` and `leave` of `domain_pool/worker.rs`.
fn work(pool: &Pool, index: usize) {
    let home = pool.home(index);
    home.reopen(AtHome::install(home));
    let scope = Scope::enter(AtHome::here().unwrap());
    loop {
        tick::tick(&scope);
        match pool.next(index) {
            Next::Run(job) => {
                job.run(&scope);
                pool.done(index);
            }
            Next::Leave => break,
            Next::Park => {
                park(&scope);
                pool.woken(index);
            }
        }
    }
    end_tasks(&scope);
    scope.at().leave();
    for job in pool.leave(index) {
        job.refuse(Error::broken_promise());
    }
}

/// As that of `settled_call.rs`.
fn park(scope: &Scope) {
    if !scope.home().has_runnable(scope.at()) {
        scope.home().wake.park();
    }
}

/// A call, as `PoolCall`: it was polled once.
struct Call {
    pool: Arc<Pool>,
    job: Arc<JobCell<()>>,
    fate: Arc<Fate>,
}

impl Call {
    fn submit(pool: &Arc<Pool>) -> Call {
        let fate = Arc::new(Fate::default());
        let errand = Errand::new(&fate);
        let job = JobCell::new(move |_: &Scope| {
            errand.run();
            Ok(())
        });
        if let Err(job) = pool.submit(job.clone()) {
            job.refuse(Error::broken_promise());
        }
        Call {
            pool: pool.clone(),
            job,
            fate,
        }
    }

    /// Whether it ran. If not, it has an error.
    fn wait(self) -> bool {
        let result = block_on(|context| self.job.poll(context));
        assert_eq!(result.is_ok(), self.fate.done() == 1);
        // Who refuses it drops it after that is told.
        while !self.fate.is_decided() {
            yield_now();
        }
        result.is_ok()
    }

    /// Its future is dropped.
    fn give_up(self) -> Arc<Fate> {
        if self.job.abandon() {
            assert!(self.fate.is_decided() && self.fate.done() == 0);
            self.pool.one_is_gone();
        }
        self.fate
    }
}

fn refuse_all(jobs: Vec<Arc<dyn Job>>) {
    for job in jobs {
        job.refuse(Error::broken_promise());
    }
}

#[test]
fn every_job_is_run_once_and_no_worker_sleeps_while_one_waits() {
    check(2, || {
        let mut world = World::new(2);
        world.start();
        let calls = [(); 2].map(|()| Call::submit(&world.pool));
        assert!(calls.into_iter().all(Call::wait));
        refuse_all(world.pool.close(false));
        world.end();
    });
}

#[test]
fn a_job_waits_for_no_worker_that_was_woken_for_something_of_its_own() {
    check(2, || {
        let mut world = World::new(2);
        world.start();
        let (ends, ended) = channel();
        // It does not end before the job has.
        let call = Call::submit(&world.pool);
        let job = call.job.clone();
        let own = Runnable::Job(Box::new(move |_: &Scope| {
            block_on(|context| job.poll(context)).unwrap();
            ends.send(()).unwrap();
        }));
        let home = world.pool.home(0);
        assert!(home.wake.send(own).is_ok());
        ended.recv().unwrap();
        refuse_all(world.pool.close(false));
        world.end();
    });
}

/// A call beside the end of the pool: it ends, and before all workers have left.
fn submit_against_close(cancel: bool, shuts_down: bool) {
    check(2, move || {
        let mut world = World::new(2);
        world.start();
        let submits = spawn({
            let pool = world.pool.clone();
            move || Call::submit(&pool).wait()
        });
        if shuts_down {
            // As `shutdown.rs`.
            assert!(status::shut_down());
        }
        refuse_all(world.pool.close(cancel));
        let homes = world.end();
        submits.join().unwrap();
        drop(homes);
    });
}

#[test]
fn a_job_beside_close_is_run_or_refused_and_all_workers_leave() {
    submit_against_close(false, false);
}

#[test]
fn a_job_beside_close_that_cancels_is_run_or_refused_and_all_workers_leave() {
    submit_against_close(true, false);
}

#[test]
fn a_job_beside_the_end_of_the_bridge_is_run_or_refused_and_all_workers_leave() {
    submit_against_close(true, true);
}

#[test]
fn a_job_that_was_submitted_before_close_is_run() {
    check(3, || {
        let mut world = World::new(1);
        world.start();
        let call = Call::submit(&world.pool);
        refuse_all(world.pool.close(false));
        assert!(call.wait());
        world.end();
    });
}

#[test]
fn a_job_that_is_given_up_is_not_begun_and_the_others_are_run() {
    check(3, || {
        let mut world = World::new(1);
        // From now on one more has all that are empty taken out.
        (0..63).for_each(|_| world.pool.one_is_gone());
        let calls = [(); 3].map(|()| Call::submit(&world.pool));
        world.start();
        let [first, second, third] = calls;
        let given_up = second.give_up();
        assert!(first.wait() && third.wait());
        refuse_all(world.pool.close(false));
        world.end();
        assert!(given_up.is_decided());
    });
}

#[test]
fn who_waits_for_the_last_worker_is_woken() {
    check(2, || {
        let mut world = World::new(2);
        world.start();
        let waits = spawn({
            let pool = world.pool.clone();
            move || {
                block_on(|context| pool.poll_left(context));
                assert_eq!(pool.alive(), 0);
            }
        });
        refuse_all(world.pool.close(false));
        waits.join().unwrap();
        world.end();
    });
}

/// A job that waits until it is asked to end, beside who asks.
fn ask_to_end(ask: impl Fn(&Pool, &JobCell<()>) + Sync + Send + 'static) {
    check(3, move || {
        let mut world = World::new(1);
        let this: Arc<OnceLock<Weak<JobCell<()>>>> = Arc::default();
        let job = JobCell::new({
            let this = this.clone();
            // As a wait in a job, `wait` in `settled_call.rs`.
            move |scope: &Scope| {
                let job = this.get().and_then(Weak::upgrade).unwrap();
                loop {
                    tick::tick(scope);
                    if job.take_cancel() {
                        return Ok(());
                    }
                    park(scope);
                }
            }
        });
        this.set(Arc::downgrade(&job)).unwrap();
        assert!(world.pool.submit(job.clone()).is_ok());
        world.start();
        ask(&world.pool, &job);
        world.end();
    });
}

#[test]
fn a_job_that_runs_is_asked_to_end_by_close_or_has_not_begun() {
    ask_to_end(|pool, job| {
        refuse_all(pool.close(true));
        let _ = block_on(|context| job.poll(context));
    });
}

#[test]
fn a_job_that_runs_is_asked_to_end_when_it_is_given_up_or_has_not_begun() {
    ask_to_end(|pool, job| {
        if job.abandon() {
            pool.one_is_gone();
        }
        refuse_all(pool.close(false));
    });
}
