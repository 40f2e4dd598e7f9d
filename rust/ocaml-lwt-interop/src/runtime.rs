//! Tokio's runtime. It has several threads, is shared by the whole process, and is made at first use. A program may say
//! before that what it is like, with [`configure`], or with `Rust_async.configure` in OCaml. Or it brings a runtime of its
//! own, with [`set_tokio_rt`].
//!
//! ```
//! use ocaml_lwt_interop::{Error, runtime};
//!
//! pub fn before_the_first_call() -> Result<(), Error> {
//!     let config = runtime::Config::new().worker_threads(2).thread_name("my-program");
//!     runtime::configure(config)
//! }
//! ```
//!
//! Timers and I/O are always on: any `#[func]` may want them, and they cost nothing where they are not used.

use std::panic::AssertUnwindSafe;
use std::sync::{Condvar, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

pub use config::Config;

use crate::error::Error;
use crate::lock::{Mutex, is_child};
use crate::{panic, signals};
use config::BlockingLimits;
use gate::GATE;

#[cfg(before_libc)]
mod definitions;
pub(crate) mod children;
mod handlers;
mod gate;
mod config;

/// Under the lock nothing is made, run or dropped that belongs to the user.
static RUNTIME: Mutex<State> = Mutex::new(State::Unset(Config::new()));
/// It has been made, or was refused.
static MADE: Condvar = Condvar::new();

enum State {
    /// Nobody has asked for it yet.
    Unset(Config),
    /// That thread makes it, without the lock: the user's function that names threads runs meanwhile.
    Making(ThreadId),
    /// Ours.
    Own(Runtime),
    /// The program's own, which it also shuts down.
    Given(Handle),
    /// After shutdown.
    Gone(Handle),
}

/// The runtime on which `tokio::spawn` in a `#[func]` spawns. It is made now if there is none. May be called on any thread.
///
/// # Panics
/// When the operating system refuses its threads; when `TOKIO_WORKER_THREADS` is no number of threads; when the function
/// that names its threads panics, or asks for the runtime. (The first `#[func]` that is called raises `Failure` then.)
pub fn tokio_rt() -> Handle {
    get().unwrap_or_else(|message| panic!("{message}"))
}

/// As [`tokio_rt`]; `Err` is a message. Who asks next has it tried again.
pub(crate) fn get() -> Result<Handle, String> {
    let mut state = lock()?;
    let config = loop {
        match &*state {
            State::Own(runtime) => return Ok(runtime.handle().clone()),
            State::Given(handle) | State::Gone(handle) => return Ok(handle.clone()),
            State::Making(thread) if *thread == thread::current().id() => {
                return Err(
                    "Tokio's runtime was asked for by what makes it, a function that names its threads, and is not there \
                     yet: name them without it"
                        .to_owned(),
                );
            }
            State::Making(_) if is_child() => return Err(no_runtime_in_a_child()),
            State::Making(_) => state = MADE.wait(state).unwrap_or_else(PoisonError::into_inner),
            State::Unset(config) => break config.clone(),
        }
    };
    *state = State::Making(thread::current().id());
    drop(state);
    // Does not unwind.
    let made = make(&config);
    let mut state = lock()?;
    let (next, result) = match made {
        Ok(runtime) => {
            let handle = runtime.handle().clone();
            (State::Own(runtime), Ok(handle))
        }
        Err(message) => (State::Unset(config), Err(message)),
    };
    *state = next;
    drop(state);
    MADE.notify_all();
    result
}

/// Says what the runtime is to be like. Call it before the first `#[func]`. A setting that `config` does not have stays as
/// it was set before, or at Tokio's default.
///
/// # Errors
/// A value is out of range (see [`Config`]; OCaml sees `Invalid_argument`), or there is a runtime already.
pub fn configure(config: Config) -> Result<(), Error> {
    config.check()?;
    let mut state = lock().map_err(Error::misuse)?;
    let State::Unset(before) = &mut *state else {
        return Err(too_late("Tokio's runtime was configured"));
    };
    let unused = before.merge(config);
    drop(state);
    // A function of the user's may go with it.
    drop(unused);
    Ok(())
}

/// Makes the program's own runtime the one that is entered. Call it before the first `#[func]`. The program keeps the
/// runtime alive, and shuts it down. [`configure`] does not concern it. It needs timers and I/O, if the functions need them
/// (`enable_all`), and threads that run it: a runtime of Tokio's current-thread kind only goes on while the program is in
/// its `block_on`.
///
/// Its threads take signals of the process, unless they block them (`on_thread_start`): an OCaml handler that the kernel
/// runs there does not wake a loop that sleeps.
///
/// # Errors
/// When a runtime is in use already.
pub fn set_tokio_rt(handle: Handle) -> Result<(), Error> {
    children::watch_forks();
    let mut state = lock().map_err(Error::misuse)?;
    if !matches!(*state, State::Unset(_)) {
        return Err(too_late("Tokio's runtime was set"));
    }
    let unused = std::mem::replace(&mut *state, State::Given(handle));
    drop(state);
    // A function of the user's may go with it.
    drop(unused);
    Ok(())
}

fn too_late(what: &str) -> Error {
    Error::misuse(format!(
        "{what} after it had started, which cannot be changed: do so before the first call of a Rust function"
    ))
}

fn lock() -> Result<MutexGuard<'static, State>, String> {
    RUNTIME.lock().ok_or_else(no_runtime_in_a_child)
}

static BLOCKING_LIMITS: OnceLock<BlockingLimits> = OnceLock::new();

/// Those of the runtime that was made; Tokio's defaults (1.x, `runtime/builder.rs`) where the program has brought one.
pub(crate) fn blocking_limits() -> BlockingLimits {
    *BLOCKING_LIMITS.get_or_init(|| Config::new().blocking_limits())
}

fn no_runtime_in_a_child() -> String {
    "Tokio's runtime was used in the child of a fork, where its threads do not exist: use it after exec, or fork before \
     the first call of a Rust function"
        .to_owned()
}

/// `Err` is a message. Does not unwind.
fn make(config: &Config) -> Result<Runtime, String> {
    panic::install_hook(crate::caml::lock::on_fiber);
    children::watch_forks();
    signals::note_those_of_the_program();
    children::link();
    let _ = BLOCKING_LIMITS.set(config.blocking_limits());
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().on_thread_start(|| {
        signals::block();
        GATE.pass();
    });
    config.apply(&mut builder);
    // Tokio panics when a thread is refused, or the environment says nonsense.
    GATE.close();
    let built = panic::catch_quietly_and_tell(AssertUnwindSafe(|| builder.build()), || GATE.fail());
    GATE.open();
    match built {
        Ok(Ok(runtime)) => Ok(runtime),
        Ok(Err(error)) => Err(format!("Tokio's runtime could not start: {error}")),
        Err(panic) => Err(format!(
            "Tokio's runtime could not start: {}",
            panic.message
        )),
    }
}

/// Whether this thread is polled by a Tokio runtime: in a task, or in `block_on`. Its blocking threads are not.
pub(crate) fn is_in_a_poll() -> bool {
    // Tokio says so only by its panic.
    let blocks =
        |handle: Handle| panic::catch_quietly(AssertUnwindSafe(|| handle.block_on(async {})));
    Handle::try_current().is_ok_and(|handle| blocks(handle).is_err())
}

/// Enters the runtime on this thread for good: entering for each poll costs 21 ns (Tokio 1.54), nearly half of a call,
/// and a domain thread has no other runtime to be confused with. Code that enters one of its own still can.
pub(crate) fn enter_for_ever() {
    /// One for all threads: those of worker domains come and go.
    static ENTERED: OnceLock<Handle> = OnceLock::new();
    let handle = tokio_rt();
    std::mem::forget(ENTERED.get_or_init(|| handle).enter());
}

/// Shuts down our own runtime: its tasks are dropped at their next `.await`, its blocking tasks are waited for, at most
/// `timeout` long. Blocks; holds no lock of ours meanwhile.
pub(crate) fn shutdown(timeout: Duration) {
    let Ok(mut state) = lock() else { return };
    let handle = match &*state {
        State::Own(runtime) => runtime.handle().clone(),
        _ => return,
    };
    let before = std::mem::replace(&mut *state, State::Gone(handle));
    drop(state);
    if let State::Own(runtime) = before {
        runtime.shutdown_timeout(timeout);
    }
}
