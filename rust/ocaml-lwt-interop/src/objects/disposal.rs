//! Where destructors of objects run: never inside the collector, and never while this thread holds OCaml's lock, but for those that
//! are at home.
//!
//! 1. What may go anywhere goes where its last user let go of it, if that is a thread without the lock; else on Tokio's blocking
//!    pool, where a destructor may block. A queue is between, since a finaliser must not wait for one. One that blocks keeps no
//!    other waiting for long: while others wait, a second thread stands by, and takes over when none is taken.
//! 2. What is to go at home goes in a tick there, or right where it was let go of if that is at home and not in the collector.
//! 3. A panic of a destructor is reported, as that of a task that nobody awaits, and goes no further.
//! 4. In the child of a `fork` nothing goes: destructors wait for threads, perhaps, that are not there.

use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::panic::AssertUnwindSafe;
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::caml::lock::{is_collecting, is_held};
use crate::errors_to_ocaml;
use crate::handles::Handle;
use crate::home::{AssertSend, AtHome, Home, Runnable, Scope, lwt_home, to_lwt};
use crate::lock::Mutex;
use crate::panic::{catch, catch_quietly};
use crate::runtime;
use crate::signals;
use crate::status::{Status, status};

/// Where a destructor runs.
pub(super) enum Place {
    /// On any thread without OCaml's lock.
    Anywhere,
    /// Where this executor's tasks run; where Lwt runs if it is not known.
    Home(Option<&'static Home>),
    /// On that thread and no other, which is this executor's.
    Thread(ThreadId, Option<&'static Home>),
}

type Destructor = Box<dyn FnOnce() + Send>;

struct Waiting {
    destructors: VecDeque<Destructor>,
    /// A thread is on its way, or stands by.
    is_coming: bool,
    /// How many were taken so far.
    taken: u64,
}

static WAITING: Mutex<Waiting> = Mutex::new(Waiting {
    destructors: VecDeque::new(),
    is_coming: false,
    taken: 0,
});

/// Runs the destructor of a value, and then `after`, where it may run. From any thread, inside the collector too.
///
/// # Safety
/// `T` is `Send`, or the place is the thread that made it.
pub(super) unsafe fn dispose<T: 'static>(value: T, place: Place, after: fn()) {
    if !std::mem::needs_drop::<T>() {
        return after();
    }
    if status() == Status::Forked {
        return std::mem::forget(value);
    }
    let is_here = match place {
        Place::Anywhere => !is_held() && !is_collecting(),
        Place::Home(home) => is_at(home.or_else(lwt_home)) && !is_collecting(),
        Place::Thread(thread, _) => thread::current().id() == thread && !is_collecting(),
    };
    if is_here {
        return run(value, after);
    }
    // Where nobody takes it any more, it is forgotten: this is no place for it.
    let value = AssertSend(ManuallyDrop::new(value));
    let run_there = move || run(ManuallyDrop::into_inner(value.into_inner()), after);
    match place {
        Place::Anywhere => queue(Box::new(run_there)),
        Place::Home(home) => match home.or_else(lwt_home) {
            Some(home) => at_home_or_lwts(home, run_there),
            // Lwt has never run.
            None => queue(Box::new(run_there)),
        },
        Place::Thread(thread, Some(home)) => at_home(home, move || {
            // The thread of a worker domain that has ended is gone, and its executor another one's. What was made there is
            // nobody's to touch.
            if thread::current().id() == thread {
                run_there();
            }
        }),
        // OCaml never had it, so no other thread could.
        Place::Thread(_, None) => {}
    }
}

fn is_at(home: Option<&'static Home>) -> bool {
    home.is_some_and(|home| AtHome::of(home).is_some())
}

fn run<T>(value: T, after: fn()) {
    if let Err(panic) = catch(AssertUnwindSafe(|| drop(value))) {
        to_lwt(move |scope| {
            let exception = errors_to_ocaml::of_panic(scope, &panic);
            errors_to_ocaml::report_async(scope, &exception);
        });
    }
    after();
}

fn at_home(home: &'static Home, destructor: impl FnOnce() + Send + 'static) {
    let destructor = move |_: &Scope| destructor();
    home.queue_anywhere(Runnable::Settle(Box::new(destructor)));
}

/// A worker domain may have ended. What is not bound to its thread goes where Lwt runs, and does not wait for the next domain that has
/// its executor, which may never come.
fn at_home_or_lwts(home: &'static Home, destructor: impl FnOnce() + Send + 'static) {
    let end = Runnable::Settle(Box::new(move |_: &Scope| destructor()));
    if let (Err(end), Some(lwts)) = (home.queue_end_while_open(end), lwt_home()) {
        lwts.queue_anywhere(end);
    }
}

fn queue(destructor: Destructor) {
    let Some(mut waiting) = WAITING.lock() else {
        // The child of a `fork`.
        return std::mem::forget(destructor);
    };
    waiting.destructors.push_back(destructor);
    let must_come = !std::mem::replace(&mut waiting.is_coming, true);
    drop(waiting);
    if must_come {
        send_for_a_thread(Comes::AtOnce);
    }
}

/// A thread that is sent for.
#[derive(Clone, Copy)]
enum Comes {
    AtOnce,
    /// When nobody takes what waits.
    WhenNeeded,
}

/// Where none can be had, the next destructor tries again.
fn send_for_a_thread(comes: Comes) {
    let on_the_way = OnTheWay;
    let tokio = (status() == Status::Running).then(runtime::get);
    if let Some(Ok(tokio)) = tokio {
        // Tokio panics where it has no thread, and is refused one.
        let sent = move || drop(tokio.spawn_blocking(move || run_waiting(comes, on_the_way)));
        drop(catch_quietly(AssertUnwindSafe(sent)));
        return;
    }
    drop(thread::Builder::new().spawn(move || {
        signals::block();
        run_waiting(comes, on_the_way);
    }));
}

/// A thread is on its way, until this is dropped: where it was given up.
struct OnTheWay;

impl Drop for OnTheWay {
    fn drop(&mut self) {
        if let Some(mut waiting) = WAITING.lock() {
            waiting.is_coming = false;
        }
    }
}

/// How long a destructor may run before what waits behind it has another thread.
const PATIENCE: Duration = Duration::from_millis(2);

fn run_waiting(comes: Comes, on_the_way: OnTheWay) {
    if matches!(comes, Comes::WhenNeeded) && !is_needed() {
        return std::mem::forget(on_the_way);
    }
    drop(on_the_way);
    // For what a destructor spawns.
    let _entered = lwt_home().map(|home| Handle::new(home).enter());
    while let Some(mut waiting) = WAITING.lock() {
        let Some(destructor) = waiting.destructors.pop_front() else {
            // What many have taken is not kept.
            waiting.destructors = VecDeque::new();
            return;
        };
        waiting.taken += 1;
        let must_come = !waiting.destructors.is_empty() && !waiting.is_coming;
        waiting.is_coming |= must_come;
        drop(waiting);
        if must_come {
            send_for_a_thread(Comes::WhenNeeded);
        }
        destructor();
    }
}

/// Waits until nobody takes what waits, or nothing is left: then this thread is on its way no more.
fn is_needed() -> bool {
    let mut seen = None;
    loop {
        let Some(mut waiting) = WAITING.lock() else {
            return false;
        };
        if waiting.destructors.is_empty() {
            waiting.is_coming = false;
            return false;
        }
        if seen.replace(waiting.taken) == Some(waiting.taken) {
            return true;
        }
        drop(waiting);
        thread::sleep(PATIENCE);
    }
}
