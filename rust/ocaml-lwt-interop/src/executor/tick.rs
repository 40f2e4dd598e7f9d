//! The tick: polls runnable tasks, up to a budget, and arranges for the next one.
//!
//! 1. Ticks never nest, but for one case: OCaml's `exit`, called by a continuation inside a tick, runs the loop again
//!    for its `at_exit` hooks; what these await must still be polled. The tick below is never returned to.
//! 2. A tick that ends with tasks runnable has armed another; one that ends without has put the wake path to sleep.
//! 3. In a tick none of Lwt's keys is bound, but where a task binds those of its call.
//! 4. No panic leaves a tick; an OCaml exception that escapes from what it calls ends the tick, and is raised when the tick is
//!    in order: by its caller, or where `Lwt_main.run` ends its turn.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use crate::errors_to_ocaml;
use crate::home::{AtHome, Budget, Home, Local, Runnable, Scope};
use crate::panic::catch;
use crate::stack;
use crate::status::{Status, status};
use crate::storage::{From, Storage};
use crate::wake::state::Sleep;

/// The clock, which costs as much as a short poll, is looked at between any two polls at first, and more rarely the
/// faster the polls turn out to be.
struct Clock {
    slice: Duration,
    /// None before the first look, which is after the first poll.
    started: Option<Instant>,
    last: Duration,
    /// Polls between two looks, and polls until the next.
    interval: u32,
    left: u32,
}

impl Clock {
    const LONGEST_INTERVAL: u32 = 16;

    fn new(slice: Duration) -> Self {
        Clock {
            slice,
            started: None,
            last: Duration::ZERO,
            interval: 1,
            left: 1,
        }
    }

    /// Between two polls: whether the slice is used up.
    fn is_over(&mut self) -> bool {
        self.left -= 1;
        if self.left > 0 {
            return false;
        }
        let Some(started) = self.started else {
            self.started = Some(Instant::now());
            self.left = 1;
            return self.slice.is_zero();
        };
        let now = started.elapsed();
        let fast = (now - self.last) * Self::LONGEST_INTERVAL < self.slice;
        self.last = now;
        self.interval = if fast {
            (2 * self.interval).min(Self::LONGEST_INTERVAL)
        } else {
            1
        };
        self.left = self.interval;
        now >= self.slice
    }
}

/// Runs one tick. Runs OCaml code, may collect.
pub(crate) fn tick(scope: &Scope) {
    if status() == Status::Forked {
        return;
    }
    Storage::NOTHING.bind(scope, From::Anywhere, || tick_with_nothing_bound(scope));
}

fn tick_with_nothing_bound(scope: &Scope) {
    let home = scope.home();
    let local = home.local(scope.at());
    let _ticking = Ticking::begin(local);
    loop {
        match catch(AssertUnwindSafe(|| poll_until_budget(scope, local))) {
            Ok(Rest::Asleep) => return,
            Ok(Rest::Runnable) => break,
            Err(panic) => {
                // Tasks catch their own; this is a destructor of a job or of a runnable that was dropped.
                errors_to_ocaml::report_panic(scope, &panic);
            }
        }
    }
    // Should another thread's wake come between here and the next tick, one write is made for it: harmless.
    let _ = home.wake.try_sleep();
    // A worker domain looks at its queue again before it parks.
    if !local.armed.get() && home.is_lwt() {
        home.arm(scope);
    }
}

enum Rest {
    Asleep,
    Runnable,
}

fn poll_until_budget(scope: &Scope, local: &Local) -> Rest {
    let home = scope.home();
    let budget = local.budget.get();
    let mut clock = Clock::new(budget.slice);
    let mut polls = 0;
    home.wake.take_queued(&mut *local.queue.borrow_mut());
    loop {
        // What comes while tasks are polled does not wait for them all.
        if home.wake.is_notified() {
            home.wake.take_queued(&mut *local.queue.borrow_mut());
        }
        if local.queue.borrow().is_empty() {
            match home.wake.try_sleep() {
                Sleep::Asleep => return Rest::Asleep,
                Sleep::Refused => continue,
            };
        }
        // Only now, so that a tick with nothing left to do does not look at the clock.
        if polls > 0
            && (polls >= budget.polls || !local.escaped.borrow().is_empty() || clock.is_over())
        {
            return Rest::Runnable;
        }
        let next = local.queue.borrow_mut().pop();
        let Some(runnable) = next else { continue };
        run(scope, runnable);
        polls += 1;
        // A continuation has forked, and this is the child: futures are not polled here.
        if status() == Status::Forked {
            return Rest::Asleep;
        }
    }
}

fn run(scope: &Scope, runnable: Runnable) {
    match runnable {
        Runnable::Task(task) => task.run(scope),
        Runnable::RemoteTask(task) => task.run_remote(scope),
        Runnable::Cancel(task) => task.cancel(scope),
        Runnable::Job(job) | Runnable::Settle(job) => job(scope),
        Runnable::Release(release, what) => release(scope, what),
    }
}

struct Ticking<'a>(&'a Local);

impl<'a> Ticking<'a> {
    fn begin(local: &'a Local) -> Self {
        local.ticks.set(local.ticks.get() + 1);
        Ticking(local)
    }
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.ticks.set(self.0.ticks.get() - 1);
    }
}

impl Home {
    /// How much a tick does; see [`Budget`].
    pub(crate) fn set_budget(&'static self, at: AtHome, budget: Budget) {
        self.local(at).budget.set(Budget {
            polls: budget.polls.max(1),
            ..budget
        });
    }

    /// A tick from a place that must not nest: a promise was resolved or cancelled under our eyes. Inside a tick or a
    /// stub nothing is to be done: it sees to the rest. Deep in a recursion of the program's it comes later, from the
    /// descriptor, which the end of the scope writes to.
    pub(crate) fn tick_if_outermost(&'static self, scope: &Scope) {
        if scope.is_outermost() && !stack::is_deep() && self.has_runnable(scope.at()) {
            tick(scope);
        }
    }

    /// The armed pause is over.
    pub(crate) fn disarm(&'static self, at: AtHome) {
        self.local(at).armed.set(false);
    }
}
