//! What OCaml tells of promises: those of tasks, and those that Rust awaits.

use std::sync::Arc;

use super::frame::{Raise, Raised, in_scope, in_scope_or};
use crate::caml::Root;
use crate::caml::lock::Access;
use crate::home::{AtHome, Key, Runnable, Scope};
use crate::lwt_to_rust::token::{Sink, empty_token, take_token};

exports! {
    /// `cancel : int -> unit`: `Lwt.cancel` on the promise of the task with that key. Raises what escapes.
    fn ocaml_lwt_interop_cancel(access: Access, key: isize) -> Result<(), Raised> {
        let put_off = |at: AtHome, key| {
            at.home().cancel_later(at, key);
            Ok(())
        };
        let key = Key::from_int(key);
        in_scope_or(access, key, put_off, Raise::OutsideOfTurns, |scope, key| {
            scope.home().cancel(scope, key);
            scope.home().tick_if_outermost(scope);
        })
    }

    /// `fulfilled : token -> 'a -> unit`: an awaited promise was fulfilled. Raises what escapes.
    fn ocaml_lwt_interop_fulfilled(access: Access, token: Raw, value: Value) -> Result<(), Raised> {
        // SAFETY: OCaml calls, with a token of ours; it is taken before anything can allocate
        settled(access, || unsafe { take_token(token) }, Ok(value))
    }

    /// `rejected : token -> exn -> unit`: an awaited promise was rejected. Raises what escapes.
    fn ocaml_lwt_interop_rejected(access: Access, token: Raw, exception: Value) -> Result<(), Raised> {
        // SAFETY: as above
        settled(access, || unsafe { take_token(token) }, Err(exception))
    }

    /// `forget : token -> unit`: a wait was given up, but its callbacks stay on their promise. Neither allocates nor raises:
    /// the slot behind the token is closed, so nothing of the user's is dropped with it.
    fn ocaml_lwt_interop_forget(token: Raw) {
        // SAFETY: OCaml calls, with a token of ours
        drop(unsafe { empty_token(token) });
    }

    /// `broken : token -> unit`: the bridge ends, and the future that waits with this token gets an error. Raises what
    /// escapes.
    fn ocaml_lwt_interop_broken(access: Access, token: Raw) -> Result<(), Raised> {
        in_scope(access, Raise::OutsideOfTurns, |_scope| {
            // SAFETY: OCaml calls, with a token of ours
            if let Some(sink) = unsafe { take_token(token) } {
                sink.abandon();
            }
        })
    }
}

type Settled = Result<ocaml::Value, ocaml::Value>;

/// `sink` is called before anything can allocate, or not at all.
fn settled(
    access: Access<'_>,
    sink: impl Fn() -> Option<Arc<dyn Sink>>,
    result: Settled,
) -> Result<(), Raised> {
    let put_off = |at: AtHome, result: Settled| {
        let Some(sink) = sink() else { return Ok(()) };
        let root = |value| Root::of(access, &value);
        let result = result.map(root).map_err(root);
        // The next tick has stack for it.
        let settle = move |scope: &Scope| {
            let value = |root: Root| root.value(scope.access());
            sink.settle(scope, result.map(value).map_err(value));
        };
        at.home().queue_anywhere(Runnable::Settle(Box::new(settle)));
        Ok(())
    };
    in_scope_or(
        access,
        result,
        put_off,
        Raise::OutsideOfTurns,
        |scope, result| {
            if let Some(sink) = sink() {
                sink.settle(scope, result);
                drop(sink);
                scope.home().tick_if_outermost(scope);
            }
        },
    )
}
