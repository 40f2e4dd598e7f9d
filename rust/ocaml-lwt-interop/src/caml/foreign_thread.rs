//! Blocking threads: OCaml threads that run OCaml functions which block, see `lwt_to_rust/blocking_threads.rs`.
//!
//! What the runtime does (`otherlibs/systhreads/st_stubs.c`, `thread.ml`, OCaml 4.13 to 5.4):
//!
//! 1. OCaml makes them, with `Thread.create`, where Lwt runs. A Rust thread that is registered for a call
//!    (`caml_c_thread_register`) loses 100 bytes each time on OCaml 4: `caml_c_thread_unregister` does not free Memprof's
//!    context, which `caml_thread_stop` does. And `Thread.exit` on it ends the process: in 4.13 that is `pthread_exit`,
//!    which would unwind Rust's frames.
//! 2. While the function runs there is no frame of Rust's on its stack. In native code of 4.13, `Thread.exit` jumps to the
//!    thread's beginning (`siglongjmp` in `caml_thread_exit`); from 4.14 on it is an exception.
//! 3. No signal handler of OCaml's runs on a thread that blocks its signal (`signals.c`). A blocking thread blocks all signals but
//!    while the function runs. Otherwise a signal could come to a blocking thread that sleeps, and wait there.
//! 4. While the function runs, the thread blocks what the thread that runs Lwt blocks. Children that the function starts
//!    inherit that. And on OCaml 4 the runtime takes the lock from a thread that computes by means of a signal, `SIGVTALRM`.
//! 5. `Thread.yield` gives the lock to a thread that waits for it, and then waits for its own turn (`st_posix.h`,
//!    `st_thread_yield`). To release the lock and take it at once, as a blocking section does, mostly gives it to nobody.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many calls blocking threads have: one of them may be waiting for the lock. (A blocking thread gives it back and takes it again inside
/// of OCaml's own functions, where nobody could count.)
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// Whether a blocking thread may be waiting for the runtime lock.
#[inline]
pub(crate) fn blocking_calls_at_work() -> bool {
    AT_WORK.load(Ordering::Relaxed) > 0
}

/// A blocking thread has something to do until this is dropped.
pub(crate) struct AtWork(());

impl AtWork {
    pub(crate) fn new() -> Self {
        AT_WORK.fetch_add(1, Ordering::Relaxed);
        AtWork(())
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        AT_WORK.fetch_sub(1, Ordering::Relaxed);
    }
}
