//! Whether this thread may touch OCaml now. This is the one place that knows.
//!
//! It may when all of this is so:
//!
//! 1. OCaml called Rust by one of our stubs, and no OCaml code runs further up the stack. (The collector may call a
//!    finaliser of another library under OCaml code: that finaliser finds OCaml running.)
//! 2. The thread holds the runtime lock: nobody has released it, we or ocaml-rs.
//! 3. It is not inside the collector, which an allocation of Rust's may have started, and which calls finalisers.
//!
//! ocaml-rs's `&Runtime` proves none of this: it is `Send` and `Sync`, and may be leaked. So code that has one asks here,
//! and gets an [`Access`], the proof. The proof stays on its thread, and is gone before the function that it was given to
//! returns. Every function of `caml/` that needs the lock takes one. There are two ways to it: [`with_access`] checks, and
//! [`called`] believes its caller.
//!
//! How the runtime gives itself away (`minor_gc.c`, `major_gc.c`, OCaml 4.13 to 5.4) is in `lock.c`.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use ocaml::sys;

/// What this thread runs, as far as we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runs {
    /// None of our stubs is on the stack.
    Unknown,
    /// Rust, called by OCaml.
    Rust,
    /// OCaml code, called by Rust.
    OCaml,
    /// A finaliser of ours, called by the collector.
    Finaliser,
    /// Rust, without the runtime lock.
    Unlocked,
}

#[derive(Clone, Copy)]
struct Now {
    runs: Runs,
    /// How many scopes are open, whatever runs in them.
    scopes: u32,
}

thread_local! {
    static NOW: Cell<Now> = const { Cell::new(Now { runs: Runs::Unknown, scopes: 0 }) };
}

/// Changes what this thread runs, until it is dropped.
struct Restore(Now);

impl Restore {
    #[inline]
    fn running(runs: Runs) -> Restore {
        let before = NOW.get();
        NOW.set(Now { runs, ..before });
        Restore(before)
    }
}

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        NOW.set(self.0);
    }
}

/// Proof that this thread may touch OCaml: allocate on its heap, read and write its values, run its code.
///
/// It says nothing about values: one that is not rooted is live until something allocates, or OCaml code runs.
#[derive(Clone, Copy)]
pub(crate) struct Access<'a>(PhantomData<(&'a (), *const ())>);

impl Access<'_> {
    /// For ocaml-rs's functions.
    #[inline]
    pub(crate) fn runtime(self) -> &'static ocaml::Runtime {
        runtime()
    }
}

/// ocaml-rs's handle, which proves nothing: whoever is given one asks whether OCaml may be touched.
#[inline]
pub(crate) fn runtime() -> &'static ocaml::Runtime {
    // SAFETY: without content
    unsafe { ocaml::Runtime::recover_handle() }
}

/// The proof of a function that OCaml calls.
///
/// # Safety
/// OCaml called Rust on this thread, which holds the runtime lock until `'a` ends, in a way that lets Rust allocate and call
/// back: not in a finaliser of a custom block. In a `noalloc` stub the caller uses it for what neither allocates nor calls.
#[inline]
pub(crate) unsafe fn called<'a>() -> Access<'a> {
    Access(PhantomData)
}

/// Rust runs on behalf of OCaml, until this is dropped.
pub(crate) struct Entered<'a> {
    before: Now,
    access: Access<'a>,
}

#[inline]
pub(crate) fn enter(access: Access<'_>) -> Entered<'_> {
    let before = NOW.get();
    NOW.set(Now {
        runs: Runs::Rust,
        scopes: before.scopes + 1,
    });
    Entered { before, access }
}

impl Entered<'_> {
    /// The proof, for as long as this stays entered.
    #[inline]
    pub(crate) fn access(&self) -> Access<'_> {
        self.access
    }

    /// Whether none was entered before.
    #[inline]
    pub(crate) fn is_outermost(&self) -> bool {
        self.before.scopes == 0
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        NOW.set(self.before);
    }
}

/// Whether a stub of ours is on the stack, which will look at the queue before it returns to OCaml.
#[inline]
pub(crate) fn is_entered() -> bool {
    NOW.get().scopes > 0
}

/// Runs OCaml code, which gives its exceptions back: no frame is jumped over.
#[inline]
pub(crate) fn running_ocaml<R>(f: impl FnOnce() -> R) -> R {
    let _restore = Restore::running(Runs::OCaml);
    f()
}

/// Runs a finaliser of ours, in which nothing of OCaml's is touched.
pub(crate) fn finalising<R>(f: impl FnOnce() -> R) -> R {
    let _restore = Restore::running(Runs::Finaliser);
    f()
}

unsafe extern "C" {
    // `lock.c`. These look at what belongs to this thread.
    safe fn ocaml_lwt_interop_holds_lock() -> bool;
    safe fn ocaml_lwt_interop_domain() -> usize;
    safe fn ocaml_lwt_interop_lock_state() -> std::ffi::c_int;
    #[cfg(ocaml_5)]
    safe fn ocaml_lwt_interop_on_fiber() -> bool;
    fn ocaml_lwt_interop_watch_collector();
    // The runtime's.
    pub(super) fn caml_enter_blocking_section_no_pending();
}

/// Runs `f` with the runtime lock released, so that other OCaml threads run meanwhile. Being `Send`, `f` has no proof with it.
///
/// Other threads may collect, so values that are not rooted may move. Neither end runs signal handlers (`signals.c`, 4.13 to 5.4: entering otherwise would, and
/// raise what they raise): they run when OCaml code runs next.
pub(crate) fn without_lock<R>(_access: Access<'_>, f: impl FnOnce() -> R + Send) -> R {
    struct Reacquire(#[allow(dead_code, reason = "dropped after the lock")] Restore);
    impl Drop for Reacquire {
        fn drop(&mut self) {
            // SAFETY: balances the entry below, on the same thread
            unsafe { sys::caml_leave_blocking_section() }
        }
    }
    let restore = Restore::running(Runs::Unlocked);
    // SAFETY: the lock is held
    unsafe { caml_enter_blocking_section_no_pending() };
    let _reacquire = Reacquire(restore);
    f()
}

/// Releases the runtime lock for as long as this thread lives.
pub(super) fn leave_for_good() {
    NOW.set(Now {
        runs: Runs::Unlocked,
        scopes: 0,
    });
    // SAFETY: the callers hold the lock
    unsafe { caml_enter_blocking_section_no_pending() };
}

/// Begins to watch the collector, once for the process.
pub(super) fn watch_collector(_access: Access<'_>) {
    static WATCHING: std::sync::Once = std::sync::Once::new();
    // SAFETY: the lock is held; once
    WATCHING.call_once(|| unsafe { ocaml_lwt_interop_watch_collector() });
}

/// Whether this thread is in a call of OCaml's to a stub or a finaliser of ours, and has not released the lock in it, as far as we know.
pub(crate) fn is_in_call() -> bool {
    matches!(NOW.get().runs, Runs::Rust | Runs::OCaml | Runs::Finaliser)
}

/// Whether this thread holds the runtime lock, for whatever reason. A thread that holds it must not wait for another thread
/// that needs it. Outside of calls, OCaml 4 does not tell it of a thread that has not waited for anything since boxroot was set up (the hooks
/// are of `caml_enter_blocking_section`), and tells it of one that has ended.
pub(crate) fn is_held() -> bool {
    is_in_call() || ocaml_lwt_interop_holds_lock()
}

/// The domain whose runtime lock this thread holds; 0: none. No two domains that live have the same. On OCaml 4 as for [`is_held`]
/// outside of calls.
pub(crate) fn domain() -> usize {
    ocaml_lwt_interop_domain()
}

/// Whether this thread is on a fiber of OCaml 5's, or was called from there. A walk of the stack would not find the way out
/// (OCaml 5.3 and 5.4: it ends in SIGSEGV, also where C stands in Rust's place). On any thread.
pub(crate) fn on_fiber() -> bool {
    #[cfg(ocaml_5)]
    return ocaml_lwt_interop_on_fiber();
    #[cfg(not(ocaml_5))]
    false
}

/// Why this thread may not touch OCaml now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It does not hold the runtime lock, and never did, as far as we know.
    NoLock,
    /// It has released the lock.
    Released,
    /// It is in a finaliser, or elsewhere inside the collector.
    Collecting,
    /// It holds the lock, but OCaml did not call Rust by a stub of ours.
    NotCalled,
}

/// What a message is completed with, after what was done: why that cannot work, and what to do instead.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::NoLock => {
                "on a thread that does not run OCaml, where OCaml values cannot be touched: send a closure to the domain \
                 thread with Handle::call"
            }
            Refused::Released => {
                "while OCaml's runtime lock was released, and OCaml values cannot be touched: take it again before"
            }
            Refused::Collecting => {
                "inside OCaml's garbage collector, in a finaliser or a Drop that it runs, where OCaml values cannot be \
                 touched: send a closure to the domain thread with Handle::call"
            }
            Refused::NotCalled => {
                "where OCaml did not call this crate, in a #[ocaml::func] or in a finaliser of another library, so OCaml \
                 values cannot be touched: make the function a #[func(sync)], or send a closure to the domain thread with \
                 Handle::call"
            }
        })
    }
}

/// Whether this thread may touch OCaml now.
#[inline]
fn may_touch() -> Result<(), Refused> {
    if NOW.get().runs == Runs::Rust {
        match ocaml_lwt_interop_lock_state() {
            0 => return Ok(()),
            1 => return Err(Refused::Released),
            _ => return Err(Refused::Collecting),
        }
    }
    Err(why_not())
}

/// Runs `f` if this thread may touch OCaml now.
#[inline]
pub(crate) fn with_access<R>(f: impl FnOnce(Access<'_>) -> R) -> Result<R, Refused> {
    may_touch()?;
    Ok(f(Access(PhantomData)))
}

/// Whether this thread may touch OCaml now.
#[inline]
pub(crate) fn has_access() -> bool {
    may_touch().is_ok()
}

/// Whether this thread is inside the collector, where nothing of the user's may run.
pub(crate) fn is_collecting() -> bool {
    may_touch() == Err(Refused::Collecting)
}

#[cold]
fn why_not() -> Refused {
    match NOW.get().runs {
        Runs::Finaliser => Refused::Collecting,
        Runs::Unlocked => Refused::Released,
        Runs::Unknown | Runs::Rust | Runs::OCaml => match ocaml_lwt_interop_lock_state() {
            0 => Refused::NotCalled,
            1 => Refused::NoLock,
            _ => Refused::Collecting,
        },
    }
}

/// Runs `f`, for what has no other way to refuse.
///
/// # Panics
/// Where this thread may not touch OCaml. `what` was done, in words that begin the message.
#[inline]
#[track_caller]
pub(crate) fn demand<R>(what: &str, f: impl FnOnce(Access<'_>) -> R) -> R {
    #[cold]
    #[track_caller]
    fn refuse(what: &str, refused: Refused) -> ! {
        panic!("{what} {refused}")
    }
    match may_touch() {
        Ok(()) => f(Access(PhantomData)),
        Err(refused) => refuse(what, refused),
    }
}
