//! OCaml's runtime, for code at home; and a scope, for code that has ocaml-rs's `&Runtime`.

use std::marker::PhantomData;
use std::ops::Deref;

use ocaml::Runtime;

use crate::caml::lock::{demand, runtime};
use crate::error::Error;
use crate::home::{AtHome, Home, Scope};
use crate::status::{Status, status};

/// OCaml's runtime, as ocaml-rs's functions want to see it. It is good until the next `.await`.
///
/// Stays on its thread.
///
/// ```
/// use ocaml_lwt_interop::{Error, OCamlFunc, ocaml_runtime};
///
/// /// Calls `f` at home, before and after a wait.
/// #[ocaml_lwt_interop::func]
/// pub async fn before_and_after(f: OCamlFunc<(), isize>) -> Result<isize, Error> {
///     let before = f.call(&ocaml_runtime(), ())?;
///     tokio::task::yield_now().await;
///     Ok(before + f.call(&ocaml_runtime(), ())?) // not the one from before the `.await`
/// }
/// ```
#[derive(Debug)]
pub struct OCamlRuntime {
    not_send: PhantomData<*const ()>,
}

impl OCamlRuntime {
    /// In a scope, if this is still where it was made for.
    pub(crate) fn with_scope<R>(&self, f: impl FnOnce(&Scope) -> R) -> R {
        demand_home("an OCamlRuntime was used", f)
    }
}

impl Deref for OCamlRuntime {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        runtime()
    }
}

/// OCaml's runtime: in a `#[func]`, in a task, in a closure that was sent home.
///
/// # Panics
/// Elsewhere: on other threads; in finalisers, and whatever else runs inside OCaml's garbage collector; in functions that
/// OCaml calls but not through this crate, such as a `#[ocaml::func]`.
pub fn ocaml_runtime() -> OCamlRuntime {
    demand_home("ocaml_runtime() was called", |_| ());
    OCamlRuntime {
        not_send: PhantomData,
    }
}

/// Runs `f` in a scope, if this thread has an executor and may touch OCaml now. `what` begins the message.
///
/// # Panics
/// When it may not, or there is none.
#[track_caller]
fn demand_home<R>(what: &str, f: impl FnOnce(&Scope) -> R) -> R {
    #[cold]
    #[track_caller]
    fn no_executor(what: &str) -> ! {
        panic!(
            "{what} on a thread that has no executor: send a closure to the domain thread with Handle::call"
        )
    }
    // Not in a closure, which would not pass on where this was called.
    match demand(what, |access| {
        AtHome::here().map(|at| f(&Scope::enter(access, at)))
    }) {
        Some(result) => result,
        None => no_executor(what),
    }
}

/// A scope for code that has ocaml-rs's `&Runtime`, and begins something. (A `&Runtime` proves nothing: see `caml/lock.rs`.)
///
/// # Panics
/// Where OCaml may not be touched now, and after the end.
#[track_caller]
pub(crate) fn with_scope_of<R>(_runtime: &Runtime, what: &str, f: impl FnOnce(&Scope) -> R) -> R {
    match demand_home(what, |scope| {
        (status() == Status::Running).then(|| f(scope))
    }) {
        Some(result) => result,
        None => panic!(
            "{what} after the bridge was shut down, or in the child of a fork: Rust runs nothing there"
        ),
    }
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
    Scope::nested(at, f)
        .map_err(|refused| Error::misuse(format!("an OCamlFunc was called {refused}")))
}
