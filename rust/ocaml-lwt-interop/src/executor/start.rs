//! An executor is started by the first call on the thread that runs Lwt, and refused everywhere else. What gives its value at once
//! may be called on every thread, also before that: such a call [prepares](prepare) the executor, whose thread takes it later.

use super::end::end_queued;
use super::standstill;
use crate::caml::lock::Access;
use crate::caml::{self, Live, Raised, Record, Standard};
use crate::home::{
    AtHome, Driver, Home, MOST_CALLS, Scope, lwt_has_started, lwt_home, lwt_starts_here,
    note_lwts_domain, set_lwt_home, visitor,
};
use crate::lock::Mutex;
use crate::panic;
use crate::runtime::children::watch_forks;
use crate::runtime::{self, enter_for_ever};
use crate::signals;
use crate::status::{Status, status};

/// Why a call cannot go on as it is; the numbers are those of `start_or_refuse` in `executor.ml`, which raises for all but the
/// first.
#[derive(Clone, Copy)]
#[repr(isize)]
enum Reason {
    /// Nothing is wrong yet: the first call of the process.
    FirstUse = 0,
    /// Lwt runs on another thread.
    WrongThread = 1,
    /// This is a child of `fork`, which has none of its parent's threads.
    Forked = 2,
    /// `Rust_async.shutdown` was called, or the program is exiting.
    ShutDown = 3,
    /// Nothing is wrong: a call that may come from every thread, before Lwt's executor has started.
    AnyThread = 4,
}

/// The executor of this thread, if it has one that runs.
#[inline]
pub(crate) fn running() -> Option<AtHome> {
    AtHome::here().filter(|_| status() == Status::Running)
}

/// The executor of this thread, for a call of the OCaml function or the Rust one called `what`. Otherwise an exception says why
/// there is none. Where there is an OCaml half, see [`is_linked`]. May run OCaml code; does not raise.
#[cold]
pub(crate) fn executor(access: Access<'_>, what: &str) -> Result<AtHome, Raised> {
    let reason = match (status(), AtHome::here()) {
        (Status::Forked, _) => Reason::Forked,
        (Status::ShutDown, _) => Reason::ShutDown,
        (Status::Running, Some(at)) => return Ok(at),
        (Status::Running, None) if lwt_has_started() => Reason::WrongThread,
        (Status::Running, None) => Reason::FirstUse,
    };
    ask_ocaml(access, reason, what)?;
    Ok(AtHome::here().expect("`start` raises or starts an executor on this thread"))
}

/// Calls `start_or_refuse`. May run OCaml code; does not raise.
#[cold]
fn ask_ocaml(access: Access<'_>, reason: Reason, what: &str) -> Result<(), Raised> {
    let start = caml::named_value(access, START);
    let start = start.expect("the caller has checked that it is there");
    // Not rooted: boxroot may not be set up yet.
    for _ in 0..MOST_CALLS {
        let name = caml::alloc_string(access, what.as_bytes());
        let mut arguments = [caml::int(reason as isize), name];
        // SAFETY: `start` is `int -> string -> unit`. The name becomes an argument, and the function is read from its cell, when
        // nothing can collect any more: in bytecode even a function of the top level is on the heap. An exception is kept, or
        // raised, before anything can allocate.
        let exception = unsafe {
            match caml::call(access, start.get(access), &mut arguments) {
                Ok(_) => return Ok(()),
                Err(exception) => Live::new(access, exception),
            }
        };
        match AtHome::here() {
            // Rust's half has started, so nobody would call again: what came, a signal handler's exception, leaves later.
            Some(at) if matches!(reason, Reason::FirstUse | Reason::AnyThread) => {
                let exception = caml::raised_by(exception);
                at.home().escape(&Scope::enter(access, at), &exception);
            }
            _ => return Err(Raised::just(exception.raw())),
        }
    }
    Ok(())
}

/// As [`executor`], for a call that gives its value at once: every thread may call that holds a runtime lock.
#[cold]
pub(crate) fn executor_or_visitor(access: Access<'_>, what: &str) -> Result<AtHome, Raised> {
    if status() != Status::Running || AtHome::here().is_some() {
        return executor(access, what);
    }
    if let Some(at) = visitor::here() {
        // What was made on this thread, and may go on no other, has waited for it.
        if at.home().has_runnable(at) {
            run_ends(&Scope::enter(access, at));
        }
        return Ok(at);
    }
    if !lwt_has_started() {
        ask_ocaml(access, Reason::AnyThread, what)?;
        // This is the thread that runs Lwt. Or OCaml code that ran on the way, a signal handler's, has called Rust as well.
        if let Some(at) = AtHome::here().or_else(visitor::here) {
            return Ok(at);
        }
    }
    // On OCaml 4 boxroot learns from the runtime lock's hooks which thread holds it; see `start`.
    caml::without_lock(access, || ());
    enter_for_ever();
    visitor::begin().map_err(|why| Raised::message(Standard::Failure, why))
}

/// Runs what waits for a thread that only calls: destructors of what may go nowhere else.
#[cold]
fn run_ends(scope: &Scope) {
    let home = scope.home();
    // Or what has come would be seen for ever.
    home.wake
        .take_queued(&mut *home.local(scope.at()).queue.borrow_mut());
    end_queued(scope);
}

/// Whether there is an OCaml half of the bridge. May collect; runs no OCaml code.
pub(crate) fn is_linked(access: Access<'_>) -> bool {
    caml::named_value(access, START).is_some()
}

/// There is no OCaml half of the bridge, and nothing can be done without.
#[cold]
pub(crate) fn not_linked() -> Raised {
    Raised::message(
        Standard::Failure,
        "ocaml-lwt-interop: the OCaml library rust-async is not linked into this program: add rust-async to the libraries of the \
         executable",
    )
}

/// What `rust_async.ml` registers.
const START: &std::ffi::CStr = c"ocaml_lwt_interop.start";

/// Makes the executor of the thread that runs Lwt, if nobody has: from now on other threads may send there. No thread is its own
/// until one [starts](start) it. `Err` is a message. No OCaml code runs on this thread.
pub(crate) fn prepare(access: Access<'_>, callbacks: Record<'_>) -> Result<&'static Home, String> {
    // Two domains may come at a time. Nobody waits here who has what the other one needs: no OCaml heap is touched meanwhile.
    static PREPARING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = PREPARING.lock();
    if let Some(home) = lwt_home() {
        return Ok(home);
    }
    panic::install_hook(caml::lock::on_fiber);
    signals::note_those_of_the_program();
    runtime::get()?;
    if !caml::setup_roots(access) {
        return Err(
            "the library of GC roots refused to start: was a thread started before the OCaml \
                    library of threads was initialised?"
                .to_owned(),
        );
    }
    let callbacks = callbacks.keep();
    let wake = crate::wake::WakePath::new()
        .map_err(|error| format!("no descriptor to wake the loop with: {error}"))?;
    watch_forks();
    standstill::watch();
    Ok(set_lwt_home(Home::new(Driver::Lwt, wake, callbacks)))
}

/// Makes this thread the domain thread of Lwt's executor, whose wake descriptor the caller registers with the engine.
/// `Err` is a message. `watch_this_thread` arranges for the end of the thread.
/// No OCaml code runs.
pub(crate) fn start(
    access: Access<'_>,
    callbacks: Record<'_>,
    watch_this_thread: fn(),
) -> Result<i32, String> {
    // OCaml code that ran on the way here, a signal handler's, has called Rust as well: it has started the executor.
    if let Some(at) = AtHome::here() {
        return Ok(at.home().wake.descriptor_number());
    }
    if runtime::is_in_a_poll() {
        return Err(
            "OCaml runs in a task of Tokio's, or in block_on, where nothing could be waited for: a program of Rust's starts OCaml \
             with ocaml_lwt_interop::host::start, which has a thread for it (ocaml::init_persistent is for a thread of your own)"
                .to_owned(),
        );
    }
    let home = prepare(access, callbacks)?;
    lwt_starts_here();
    // On OCaml 4 boxroot learns from the runtime lock's hooks which thread holds it. When it was set up by another
    // thread (ocaml-rs does that at its first root), this one may not have passed a hook since.
    caml::without_lock(access, || ());
    watch_this_thread();
    enter_for_ever();
    note_lwts_domain();
    AtHome::install(home);
    Ok(home.wake.descriptor_number())
}

/// An executor for a worker domain, which [`install_worker`] gives its thread. `Err` is a message. Where Lwt runs.
pub(crate) fn new_worker_home() -> Result<&'static Home, String> {
    let lwt = lwt_home().expect("Lwt's executor has started");
    let wake = crate::wake::WakePath::new()
        .map_err(|error| format!("no descriptor to wake a worker domain with: {error}"))?;
    Ok(Home::new(Driver::Worker, wake, lwt.callbacks))
}

/// Makes this thread, that of a new worker domain, the domain thread of an executor: a new one, or one whose domain has ended.
pub(crate) fn install_worker(home: &'static Home) {
    enter_for_ever();
    home.reopen(AtHome::install(home));
}

/// In the child of a `fork` there is one thread only, so it is the domain thread, whichever it was in the parent.
pub(crate) fn install_after_fork() {
    if let (Status::Forked, None, Some(home)) = (status(), AtHome::here(), lwt_home()) {
        AtHome::install(home);
    }
}
