//! Which domain executor this thread belongs to.
//!
//! Two proofs, both `!Send`, carry that knowledge through the crate as types:
//! - [`AtHome`]: this is the domain thread. Enough to touch what belongs to it. Not enough to call OCaml: a finaliser
//!   runs on the domain thread as well.
//! - [`Scope`]: this is the domain thread, and it may touch OCaml, which [`lock`] knows.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Home, Runnable};
use crate::caml::lock::{self, Access, Entered, Refused};

/// The executor of the domain that Lwt runs on: through Lwt 6.1 there is one Lwt scheduler in a process.
static LWT_HOME: OnceLock<&'static Home> = OnceLock::new();

thread_local! {
    /// The executor whose domain thread this is. Set when the executor starts.
    static HOME: Cell<Option<&'static Home>> = const { Cell::new(None) };
    /// On the thread that runs Lwt 5: a tick has bound nothing, see `storage.rs`, and no exception has come since.
    pub(crate) static BARE: Cell<bool> = const { Cell::new(false) };
}

/// An exception has come out of OCaml code: Lwt may not have put back what it had bound there.
#[cold]
pub(crate) fn disturbed() {
    BARE.set(false);
}

/// Proof that this is the domain thread of an executor.
#[derive(Clone, Copy)]
pub(crate) struct AtHome {
    home: &'static Home,
    not_send: PhantomData<*const ()>,
}

impl AtHome {
    /// The executor of this very thread, if it has one.
    #[inline]
    pub(crate) fn here() -> Option<AtHome> {
        HOME.get().map(|home| AtHome {
            home,
            not_send: PhantomData,
        })
    }

    /// The proof that this is the domain thread of `home`, if it is.
    #[inline]
    pub(crate) fn of(home: &'static Home) -> Option<AtHome> {
        Self::here().filter(|at| std::ptr::eq(at.home, home))
    }

    /// Makes this thread the domain thread of a new executor.
    pub(crate) fn install(home: &'static Home) -> AtHome {
        crate::caml::count_roots_here(home.is_lwt());
        HOME.set(Some(home));
        AtHome {
            home,
            not_send: PhantomData,
        }
    }

    /// The executor of a thread that only calls, which this is.
    pub(super) fn visiting(home: &'static Home) -> AtHome {
        AtHome {
            home,
            not_send: PhantomData,
        }
    }

    /// This thread's domain is about to end: from now on it has no executor.
    pub(crate) fn leave(self) {
        HOME.set(None);
    }

    #[inline]
    pub(crate) fn home(self) -> &'static Home {
        self.home
    }

    /// Whether a stub or a tick is on the stack, which will look at the queue before it returns to OCaml.
    #[inline]
    pub(crate) fn in_scope(self) -> bool {
        lock::is_entered()
    }
}

/// Proof that OCaml called us on the domain thread and may be called back.
pub(crate) struct Scope<'a> {
    at: AtHome,
    entered: Entered<'a>,
}

impl<'a> Scope<'a> {
    #[inline]
    pub(crate) fn enter(access: Access<'a>, at: AtHome) -> Scope<'a> {
        let entered = lock::enter(access);
        crate::caml::delete_dropped_roots(access);
        crate::caml::loan::restore_dropped(access);
        Scope { at, entered }
    }

    /// Runs `f` in a scope inside of the one that is open further down this thread's stack, if OCaml may be touched now.
    #[inline]
    pub(crate) fn nested<R>(at: AtHome, f: impl FnOnce(&Scope<'_>) -> R) -> Result<R, Refused> {
        lock::with_access(|access| f(&Scope::enter(access, at)))
    }

    /// As [`Scope::nested`], if this is the domain thread of `home`.
    #[inline]
    pub(crate) fn with_current<R>(home: &'static Home, f: impl FnOnce(&Scope) -> R) -> Option<R> {
        Scope::nested(AtHome::of(home)?, f).ok()
    }

    /// The proof that OCaml may be touched.
    #[inline]
    pub(crate) fn access(&self) -> Access<'_> {
        self.entered.access()
    }

    #[inline]
    pub(crate) fn at(&self) -> AtHome {
        self.at
    }

    #[inline]
    pub(crate) fn home(&self) -> &'static Home {
        self.at.home
    }

    /// Whether no other scope is open below this one.
    #[inline]
    pub(crate) fn is_outermost(&self) -> bool {
        self.entered.is_outermost()
    }
}

impl Drop for Scope<'_> {
    #[inline]
    fn drop(&mut self) {
        // What was queued after the stub arranged for its tick (by a finaliser, say): nobody else would look at it.
        if self.entered.is_outermost() {
            self.at.home.signal_unless_armed(self.at);
        }
    }
}

/// The domain of the thread that runs Lwt, as [`lock::domain`] says it.
static LWTS_DOMAIN: AtomicUsize = AtomicUsize::new(0);

/// Whether the thread that runs Lwt is known.
static LWT_HAS_STARTED: AtomicBool = AtomicBool::new(false);

/// This is the executor of the thread that runs Lwt, whichever that is, unless there is one. Gives the one that there is.
pub(crate) fn set_lwt_home(home: &'static Home) -> &'static Home {
    LWT_HOME.get_or_init(|| home)
}

/// This is the thread that runs Lwt: from now on no other starts the executor. Before anything lets another thread run.
pub(crate) fn lwt_starts_here() {
    LWT_HAS_STARTED.store(true, Ordering::Release);
}

/// On that thread, when it is known to hold its lock.
pub(crate) fn note_lwts_domain() {
    LWTS_DOMAIN.store(lock::domain(), Ordering::Relaxed);
}

/// Whether the executor of the thread that runs Lwt is that thread's. Until then it takes what is sent there, and runs nothing.
pub(crate) fn lwt_has_started() -> bool {
    LWT_HAS_STARTED.load(Ordering::Acquire)
}

/// Whether this thread has the runtime lock of the domain that runs Lwt: then the one that runs Lwt does not run. (When that
/// domain has ended, another may be taken for it; but then nothing runs Lwt any more.)
///
/// Only in a call, or on the very thread: on OCaml 4 one that has ended passes for one that holds the lock, while its own variables are
/// being dropped (`caml_thread_stop` releases it without a hook).
pub(crate) fn holds_lwts_lock() -> bool {
    if !lock::is_in_call() && !AtHome::here().is_some_and(|at| at.home().is_lwt()) {
        return false;
    }
    let domain = lock::domain();
    domain != 0 && domain == LWTS_DOMAIN.load(Ordering::Relaxed)
}

/// The executor of the thread that runs Lwt, when there is one. It may not have [started](lwt_has_started).
pub(crate) fn lwt_home() -> Option<&'static Home> {
    LWT_HOME.get().copied()
}

/// Runs a closure where Lwt runs; from a worker domain.
pub(crate) fn to_lwt(f: impl FnOnce(&Scope) + Send + 'static) {
    if let Some(home) = LWT_HOME.get() {
        home.queue_anywhere(Runnable::Job(Box::new(f)));
    }
}
