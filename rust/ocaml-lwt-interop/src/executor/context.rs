//! Which domain executor this thread belongs to, and what it may do right now.
//!
//! Two proofs, both `!Send`, carry that knowledge through the crate as types:
//! - [`AtHome`]: this is the domain thread. Enough to touch what belongs to it. Not enough to call OCaml: a finaliser
//!   runs on the domain thread as well.
//! - [`Scope`]: this is the domain thread, the runtime lock is held, and Rust was called by OCaml in a way that lets it
//!   call back: a stub or a tick is on the stack.

use std::cell::Cell;
use std::marker::PhantomData;

use super::Home;

thread_local! {
    /// The executor whose domain thread this is. Set when the executor starts.
    static HOME: Cell<Option<&'static Home>> = const { Cell::new(None) };
    /// How many scopes are open on this thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// A finaliser of ours runs, inside the GC: OCaml must not be called, whatever is on the stack below.
    static FINALISING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a finaliser, in which no scope can be had.
pub(crate) fn finalising<R>(f: impl FnOnce() -> R) -> R {
    let before = FINALISING.replace(true);
    let result = f();
    FINALISING.set(before);
    result
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
    pub(super) fn settle(home: &'static Home) -> AtHome {
        crate::caml::count_roots_here(home.is_lwt());
        HOME.set(Some(home));
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

    /// Whether OCaml may be called: in a scope, and not inside the GC.
    #[inline]
    pub(crate) fn may_call_ocaml(self) -> bool {
        self.in_scope() && !FINALISING.get()
    }

    /// Whether a stub or a tick is on the stack, which will look at the queue before it returns to OCaml.
    #[inline]
    pub(crate) fn in_scope(self) -> bool {
        DEPTH.get() > 0
    }
}

/// Proof that OCaml called us on the domain thread and may be called back.
pub(crate) struct Scope {
    at: AtHome,
}

impl Scope {
    /// # Safety
    /// Called from a stub: OCaml called this function on this thread, holding the runtime lock, and expects nothing
    /// that forbids allocation or callbacks (not `noalloc`, not a finaliser of a custom block).
    #[inline]
    pub(crate) unsafe fn enter(at: AtHome) -> Scope {
        DEPTH.set(DEPTH.get() + 1);
        // SAFETY: the lock is held, by the caller's word
        unsafe { crate::caml::delete_dropped_roots() };
        Scope { at }
    }

    /// The scope that is open further down this thread's stack, if there is one for `home`.
    ///
    /// The lock is held there unless the user's code released it, which the documentation of the crate forbids for as
    /// long as it uses the crate.
    #[inline]
    pub(crate) fn with_current<R>(home: &'static Home, f: impl FnOnce(&Scope) -> R) -> Option<R> {
        let at = AtHome::of(home).filter(|at| at.may_call_ocaml())?;
        // SAFETY: nested in a scope, whose opener had all the preconditions
        let scope = unsafe { Scope::enter(at) };
        Some(f(&scope))
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
        DEPTH.get() == 1
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        // What was queued after the stub arranged for its tick (by a finaliser, say): nobody else would look at it.
        if DEPTH.get() == 0 {
            self.at.home.signal_unless_armed(self.at);
        }
    }
}
