//! The end of everything, in order: shutdown, process exit, and the child of a `fork`.

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::caml::{self, Callbacks};
use crate::executor::end::{end_queued, end_tasks, guarded};
use crate::executor::standstill;
use crate::home::Scope;
use crate::lwt_to_rust::blocking_threads;
use crate::rust_to_lwt::settle::break_promise;
use crate::{domain_pool, runtime, signals, status};

/// Refuses new work, drops this domain's futures here, and lets worker domains, blocking threads and Tokio finish for at most `timeout` with the
/// runtime lock released. The second call does nothing, and so does one in the child of a `fork`.
///
/// Runs OCaml code: every promise of ours is settled when it returns. An exception of a signal handler's (`Sys.Break`) ends the
/// wait, and leaves after the rest. No panic of a destructor or a waker keeps it from
/// the rest.
pub(crate) fn shutdown(scope: &Scope, timeout: Duration) {
    if !status::shut_down() {
        return;
    }
    standstill::end();
    let local = scope.home().local(scope.at());
    end_tasks(scope);
    domain_pool::shutdown_all(scope);
    break_waits(scope);
    for call in blocking_threads::shutdown() {
        guarded(scope, || drop(call));
    }
    wait_for_rust(scope, timeout);
    // What those tasks held: resolvers, and futures that await promises.
    end_queued(scope);
    let resolvers = local.resolvers.borrow_mut().take_all();
    for resolver in resolvers {
        break_promise(scope, resolver);
    }
    end_queued(scope);
}

/// How long a signal may go unheard.
const UNHEARD: Duration = Duration::from_millis(50);

/// Waits for worker domains and for Tokio with the runtime lock released, at most so long. A thread of its own waits, so that
/// this one can run the handlers of signals: when one raises (`Sys.Break`), nobody waits any more.
fn wait_for_rust(scope: &Scope, timeout: Duration) {
    let (ends, mut ended) = mpsc::channel::<()>();
    let wait = move || {
        signals::block();
        end_of_threads(timeout);
        drop(ends);
    };
    let waits = thread::Builder::new()
        .name("rust-async-end".to_owned())
        .spawn(wait);
    if waits.is_err() {
        // Tasks that die on Tokio's workers drop handles, which is allowed everywhere.
        return caml::without_lock(scope.access(), || end_of_threads(timeout));
    }
    let escaped = || scope.home().escaped(scope.at());
    let before = escaped();
    loop {
        let receiver = &mut ended;
        let ended = caml::without_lock(scope.access(), move || receiver.recv_timeout(UNHEARD));
        scope.home().handle_pending(scope);
        if ended != Err(mpsc::RecvTimeoutError::Timeout) || escaped() > before {
            return;
        }
    }
}

fn end_of_threads(timeout: Duration) {
    let left = domain_pool::wait_for_all(timeout);
    let left = blocking_threads::wait_for_all(left);
    runtime::shutdown(left);
}

/// Has what Rust printed without an end of line written when the process exits, which a Rust `main` does and OCaml does not.
/// Called when the program starts.
pub(crate) fn flush_at_exit() {
    static PROCESS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn at_exit() {
        // In the child of a `fork` the text is the parent's as well, and the lock may be held by a thread that is not there.
        if PROCESS.load(Ordering::Relaxed) != std::process::id() {
            return;
        }
        // Somebody may hold the lock of standard output for ever: nobody waits long for a thread that waits for it.
        let (ends, ended) = mpsc::channel::<()>();
        let flush = move || {
            let _ = std::io::stdout().flush();
            drop(ends);
        };
        if thread::Builder::new().spawn(flush).is_ok() {
            let _ = ended.recv_timeout(Duration::from_secs(1));
        }
    }
    if PROCESS.swap(std::process::id(), Ordering::Relaxed) == 0 {
        // SAFETY: the handler unwinds nowhere, and may run at any time until the process is gone
        unsafe { libc::atexit(at_exit) };
    }
}

/// This thread runs Lwt. If it is the process's first one, `Thread.exit` may end it, on OCaml 4 (`st_stubs.c`: `pthread_exit`), where the process lives until its
/// last thread ends: so Tokio's end then. Nothing can be done for OCaml's promises any more.
///
/// Called once. A key's destructor is for that: those of Rust's thread-locals do not run when the main thread ends so.
pub(crate) fn watch_this_thread() {
    extern "C" fn ends(_: *mut libc::c_void) {
        if status::shut_down() {
            // Nothing may unwind into the system's code.
            drop(std::panic::catch_unwind(|| {
                standstill::end();
                drop(blocking_threads::shutdown());
                runtime::shutdown(Duration::ZERO);
            }));
        }
    }
    // SAFETY: neither has a precondition
    if unsafe { libc::gettid() != libc::getpid() } {
        return;
    }
    let mut key = 0;
    // SAFETY: the key is made first; a value that is not null has the destructor called with it
    unsafe {
        if libc::pthread_key_create(&mut key, Some(ends)) == 0 {
            libc::pthread_setspecific(key, std::ptr::dangling());
        }
    }
}

/// Tells those on other threads who wait for a promise that they will not hear of it. Before Tokio is waited for, whose
/// blocking calls may be among them. Most often once: see `break_all` in `lwt_to_rust.ml`.
fn break_waits(scope: &Scope) {
    let local = scope.home().local(scope.at());
    for is_again in [false, true] {
        let done = scope
            .home()
            .ask(scope, &Callbacks::BREAK_ALL, &(&is_again,));
        debug_assert!(done.is_ok());
        end_queued(scope);
        if local.subscriptions.borrow().is_empty() {
            return;
        }
    }
}

/// In the child of a `fork`: rejects what can never be resolved here, without touching the futures.
pub(crate) fn disown_all(scope: &Scope) {
    let local = scope.home().local(scope.at());
    let tasks: Vec<_> = local.registry.borrow().all().cloned().collect();
    for task in tasks {
        task.disown(scope);
    }
    let resolvers = local.resolvers.borrow_mut().take_all();
    for resolver in resolvers {
        break_promise(scope, resolver);
    }
}
