//! OCaml's runtime for who is at home, and a scope for who has ocaml-rs's.

use std::marker::PhantomData;
use std::ops::Deref;

use ocaml::Runtime;

use crate::caml;
use crate::error::Error;
use crate::home::{AtHome, Home, Scope};
use crate::status::{Status, status};

/// OCaml's runtime, as ocaml-rs's functions want to see it, for as long as this is not awaited across.
///
/// Stays on its thread.
#[derive(Debug)]
pub struct OCamlRuntime {
    not_send: PhantomData<*const ()>,
}

impl OCamlRuntime {
    /// In a scope, if this is still where it was made for.
    pub(crate) fn with_scope<R>(&self, f: impl FnOnce(&Scope) -> R) -> R {
        let at = demand_home("an OCamlRuntime was used");
        // SAFETY: OCaml called, or it could not be touched now
        f(&unsafe { Scope::enter(at) })
    }
}

impl Deref for OCamlRuntime {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        // SAFETY: without content; whoever is given one asks whether OCaml may be touched
        unsafe { Runtime::recover_handle() }
    }
}

/// OCaml's runtime: in a `#[func]`, in a task, in a closure that was sent home.
///
/// # Panics
/// Elsewhere: on other threads; in finalisers, and whatever else runs inside OCaml's garbage collector; in functions that
/// OCaml calls but not through this crate, such as a `#[ocaml::func]`.
pub fn ocaml_runtime() -> OCamlRuntime {
    demand_home("ocaml_runtime() was called");
    OCamlRuntime {
        not_send: PhantomData,
    }
}

/// The executor of this thread, which may touch OCaml now. `what` begins the message.
///
/// # Panics
/// When it may not, or there is none.
#[track_caller]
fn demand_home(what: &str) -> AtHome {
    caml::lock::demand(what);
    AtHome::here().unwrap_or_else(|| {
        panic!("{what} on a thread that has no executor: send a closure to the domain thread with Handle::call")
    })
}

/// A scope for somebody who has ocaml-rs's `&Runtime`, which proves nothing, see `caml/lock.rs`, and begins something.
///
/// # Panics
/// Where OCaml may not be touched now, and after the end.
#[track_caller]
pub(crate) fn with_scope_of<R>(_runtime: &Runtime, what: &str, f: impl FnOnce(&Scope) -> R) -> R {
    let at = demand_home(what);
    assert!(
        status() == Status::Running,
        "{what} after the bridge was shut down, or in the child of a fork: Rust runs nothing there"
    );
    // SAFETY: OCaml called, or it could not be touched now
    let scope = unsafe { Scope::enter(at) };
    f(&scope)
}

/// As [`with_scope_of`], where Lwt runs.
///
/// # Panics
/// On other threads, worker domains included.
#[track_caller]
pub(crate) fn with_lwt_scope_of<R>(
    runtime: &Runtime,
    what: &str,
    f: impl FnOnce(&Scope) -> R,
) -> R {
    with_scope_of(runtime, what, |scope| {
        assert!(
            scope.home().is_lwt(),
            "{what} on a worker domain, where Lwt does not run and nobody could wait for it: send a closure to the thread \
             that runs Lwt with Handle::call"
        );
        f(scope)
    })
}

pub(crate) fn try_with_scope_of<R>(
    _runtime: &Runtime,
    home: &'static Home,
    f: impl FnOnce(&Scope) -> R,
) -> Result<R, Error> {
    let Some(at) = AtHome::of(home) else {
        return Err(Error::misuse(
            "an OCamlFunc was called on a thread that is not its home, where OCaml values cannot be touched: \
             call it in a closure that Handle::call runs at home",
        ));
    };
    let scope = Scope::nested(at)
        .map_err(|refused| Error::misuse(format!("an OCamlFunc was called {refused}")))?;
    Ok(f(&scope))
}
