//! Tokio's runtime: multi-threaded, shared by the whole process, made at first use. What it is like is said before that,
//! with [`configure`], or `Rust_async.configure` in OCaml; or a program brings one of its own, [`set_tokio_rt`].
//!
//! ```no_run
//! use ocaml_lwt_interop::{Error, runtime};
//!
//! fn before_the_first_call() -> Result<(), Error> {
//!     let config = runtime::Config::new().worker_threads(2).thread_name("my-program");
//!     runtime::configure(config)
//! }
//! ```
//!
//! Timers and I/O are always on: any `#[func]` may want them, and they cost nothing where they are not used.

use std::sync::Mutex;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

pub use config::Config;

use crate::error::Error;

mod config;

static RUNTIME: Mutex<State> = Mutex::new(State::Unset(Config::new()));

enum State {
    /// Nobody has asked for it yet.
    Unset(Config),
    /// Ours.
    Own(Runtime),
    /// The program's own, which it also shuts down.
    Given(Handle),
    /// After shutdown.
    Gone(Handle),
}

/// The runtime on which `tokio::spawn` in a `#[func]` spawns. Made now if need be. From any thread.
///
/// # Panics
/// When the operating system refuses its threads, or `TOKIO_WORKER_THREADS` is no number of threads. (The first `#[func]`
/// that is called raises `Failure` then.)
pub fn tokio_rt() -> Handle {
    let mut state = lock();
    if let State::Unset(config) = &*state {
        *state = State::Own(build(config));
    }
    match &*state {
        State::Own(runtime) => runtime.handle().clone(),
        State::Given(handle) | State::Gone(handle) => handle.clone(),
        State::Unset(_) => unreachable!("set above"),
    }
}

/// Says what the runtime is to be like; before the first `#[func]` is called. What `config` does not say stays as it was
/// said before, or is Tokio's default.
///
/// # Errors
/// A value is out of range (see [`Config`]; OCaml sees `Invalid_argument`), or there is a runtime already.
pub fn configure(config: Config) -> Result<(), Error> {
    config.check()?;
    match &mut *lock() {
        State::Unset(before) => {
            before.merge(config);
            Ok(())
        }
        _ => Err(too_late("Tokio's runtime was configured")),
    }
}

/// Makes the program's own runtime the one that is entered; before the first `#[func]` is called. The program keeps it
/// alive, and shuts it down; what [`configure`] said does not concern it. It has timers and I/O, if the functions need them
/// (`enable_all`), and threads that run it: one of Tokio's current-thread kind only goes on while the program is in its
/// `block_on`.
///
/// # Errors
/// When a runtime is in use already.
pub fn set_tokio_rt(handle: Handle) -> Result<(), Error> {
    let mut state = lock();
    match *state {
        State::Unset(_) => {
            *state = State::Given(handle);
            Ok(())
        }
        _ => Err(too_late("Tokio's runtime was set")),
    }
}

fn too_late(what: &str) -> Error {
    Error::misuse(format!(
        "{what} after it had started, which cannot be changed: do so before the first call of a Rust function"
    ))
}

fn lock() -> std::sync::MutexGuard<'static, State> {
    RUNTIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn build(config: &Config) -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().on_thread_start(block_signals);
    config.apply(&mut builder);
    builder
        .build()
        .unwrap_or_else(|error| panic!("Tokio's runtime could not start: {error}"))
}

/// Signals are OCaml's: its handlers run on OCaml's threads, and one that sleeps in its loop wakes only when the signal
/// is delivered to it. Children are not concerned: `std::process::Command` gives them an empty mask.
pub(crate) fn block_signals() {
    // SAFETY: changes this thread's mask only
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &all_but_faults(), std::ptr::null_mut()) };
}

/// Every signal but faults of the thread's own, which must still kill the process.
pub(crate) fn all_but_faults() -> libc::sigset_t {
    // SAFETY: a local set, initialised by `sigfillset`
    unsafe {
        let mut all = std::mem::zeroed();
        libc::sigfillset(&mut all);
        for fault in [
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGILL,
            libc::SIGABRT,
            libc::SIGTRAP,
        ] {
            libc::sigdelset(&mut all, fault);
        }
        all
    }
}

/// Enters the runtime on this thread for good: entering for each poll costs 21 ns (Tokio 1.54), nearly half of a call,
/// and a domain thread has no other runtime to be confused with. Code that enters one of its own still can.
pub(crate) fn enter_for_ever() {
    std::mem::forget(Box::leak(Box::new(tokio_rt())).enter());
}

/// Shuts down our own runtime: its tasks are dropped at their next `.await`, its blocking tasks are waited for, at most
/// `timeout` long. Blocks; holds no lock of ours meanwhile.
pub(crate) fn shutdown(timeout: Duration) {
    let mut state = lock();
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
