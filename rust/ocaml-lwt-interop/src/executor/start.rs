//! An executor is started by the first call on the thread that runs Lwt, and refused everywhere else.

use super::standstill;
use crate::caml::lock::Access;
use crate::caml::{self, Callbacks, Raw};
use crate::home::{AtHome, Driver, Home, MOST_CALLS, Scope, lwt_home, set_lwt_home};
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
}

/// The executor of this thread, for a call of the OCaml function or the Rust one called `what`. An exception says why
/// there is none; it is not rooted.
///
/// # Safety
/// The OCaml half of the bridge is there, see [`is_linked`]. May run OCaml code; does not raise.
#[inline]
pub(crate) unsafe fn executor(access: Access<'_>, what: &str) -> Result<AtHome, Raw> {
    match AtHome::here() {
        Some(at) if status() == Status::Running => Ok(at),
        // SAFETY: as the caller's
        at => unsafe { executor_slow(access, what, at) },
    }
}

#[cold]
unsafe fn executor_slow(access: Access<'_>, what: &str, at: Option<AtHome>) -> Result<AtHome, Raw> {
    let reason = match (status(), at) {
        (Status::Forked, _) => Reason::Forked,
        (Status::ShutDown, _) => Reason::ShutDown,
        (Status::Running, Some(at)) => return Ok(at),
        (Status::Running, None) if lwt_home().is_some() => Reason::WrongThread,
        (Status::Running, None) => Reason::FirstUse,
    };
    let start = caml::named_value(access, START);
    // SAFETY: as the caller's; `start` is `int -> string -> unit`. The name becomes an argument, and the function is read from
    // its cell, when nothing can collect any more: in bytecode even a function of the top level is on the heap.
    unsafe {
        let start = start.expect("the caller has checked that it is there");
        // Not rooted: boxroot is set up by the thread that runs Lwt, and this may be another one.
        for _ in 0..MOST_CALLS {
            let name = caml::alloc_string(access, what.as_bytes());
            let mut arguments = [caml::int(reason as isize), name];
            let Err(exception) = caml::call(access, start.get(access), &mut arguments) else {
                break;
            };
            match AtHome::here() {
                // Rust's half has started, so nobody would call again: what came, a signal handler's exception, leaves later.
                Some(at) if matches!(reason, Reason::FirstUse) => {
                    at.home().escape(&Scope::enter(access, at), exception);
                }
                _ => return Err(exception),
            }
        }
    }
    Ok(AtHome::here().expect("`start` raises or starts an executor on this thread"))
}

/// Whether there is an OCaml half of the bridge. May collect; runs no OCaml code.
pub(crate) fn is_linked(access: Access<'_>) -> bool {
    caml::named_value(access, START).is_some()
}

/// Raises `Failure`: there is no OCaml half of the bridge, and nothing can be done without.
///
/// # Safety
/// The caller holds nothing with a destructor.
#[cold]
pub(crate) unsafe fn raise_not_linked(_access: Access<'_>) -> ! {
    // SAFETY: as the caller's
    unsafe {
        ocaml::sys::caml_failwith(
            c"ocaml-lwt-interop: the OCaml library rust-async is not linked into this program: \
              add rust-async to the libraries of the executable"
                .as_ptr()
                .cast(),
        )
    };
    unreachable!("caml_failwith returned")
}

/// What `rust_async.ml` registers.
const START: &std::ffi::CStr = c"ocaml_lwt_interop.start";

/// Makes this thread the domain thread of a new executor, whose wake descriptor the caller registers with the engine.
/// `Err` is a message. `watch_this_thread` arranges for the end of the thread.
///
/// # Safety
/// `callbacks` is the record that `callbacks.ml` makes, and live. No OCaml code runs.
pub(crate) unsafe fn start(
    access: Access<'_>,
    callbacks: Raw,
    watch_this_thread: fn(),
) -> Result<i32, String> {
    panic::install_hook(caml::lock::on_fiber);
    // OCaml code that ran on the way here, a signal handler's, has called Rust as well: it has started the executor.
    if let Some(at) = AtHome::here() {
        return Ok(at.home().wake.descriptor_number());
    }
    signals::note_those_of_the_program();
    runtime::get()?;
    if !caml::setup_roots(access) {
        return Err(
            "the library of GC roots refused to start: was a thread started before the OCaml \
                    library of threads was initialised?"
                .to_owned(),
        );
    }
    // SAFETY: as the caller's; the record is rooted by the table before anything can allocate
    let callbacks = unsafe { Callbacks::new(access, callbacks) };
    // On OCaml 4 boxroot learns from the runtime lock's hooks which thread holds it. When it was set up by another
    // thread (ocaml-rs does that at its first root), this one may not have passed a hook since.
    caml::without_lock(access, || ());
    let wake = crate::wake::WakePath::new()
        .map_err(|error| format!("no descriptor to wake the loop with: {error}"))?;
    watch_forks();
    watch_this_thread();
    standstill::watch();
    enter_for_ever();
    let home = Home::new(Driver::Lwt, wake, callbacks);
    set_lwt_home(home);
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
