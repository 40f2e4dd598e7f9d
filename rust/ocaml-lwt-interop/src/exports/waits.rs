//! What OCaml tells of promises: those of tasks, and those that Rust awaits.

use std::sync::Arc;

use super::frame::{Place, Raise, in_scope_at};
use crate::caml::lock::Access;
use crate::caml::{Called, Passed, Raised, Root, Typed, types};
use crate::home::{Key, Runnable, Scope};
use crate::lwt_to_rust::token::{PromiseEnding, Sink, empty_token, take_token};
use crate::stack::Overflow;

exports! {
    /// `cancel : int -> unit`: `Lwt.cancel` on the promise of the task with that key. Raises what escapes. Settles nothing: see
    /// [`Tick`].
    fn ocaml_lwt_interop_cancel(called: Called, key: isize) -> Result<(), Raised> {
        let key = Key::from_int(key);
        match Place::of(&called) {
            Place::OtherThread => Ok(()),
            Place::Deep(at) => {
                at.home().cancel_later(at, key);
                Ok(())
            }
            Place::Ready(at) => in_scope_at(called.begin(), at, Raise::OutsideOfTurns, |scope| {
                scope.home().cancel(scope, key);
                Tick::InTheNextTurn.arrange(scope);
            }),
        }
    }

    /// `fulfilled : token -> 'a -> unit`: an awaited promise was fulfilled. Raises what escapes.
    fn ocaml_lwt_interop_fulfilled(called: Called, token: Passed<'f>, value: ocaml::Value) -> Result<(), Raised> {
        settled(called, token, Ok(value), Tick::Now)
    }

    /// `rejected : token -> exn -> unit`: an awaited promise was rejected. Raises what escapes.
    fn ocaml_lwt_interop_rejected(called: Called, token: Passed<'f>, exception: Typed<types::Exception>) -> Result<(), Raised> {
        settled(called, token, Err(exception), Tick::Now)
    }

    /// `cancelled : token -> exn -> unit`: an awaited promise was rejected with `Lwt.Canceled`. Raises what escapes.
    fn ocaml_lwt_interop_cancelled(called: Called, token: Passed<'f>, exception: Typed<types::Exception>) -> Result<(), Raised> {
        settled(called, token, Err(exception), Tick::InTheNextTurn)
    }

    /// `forget : token -> unit`: a wait was given up, but its callbacks stay on their promise. Neither allocates nor raises:
    /// the slot behind the token is closed, so nothing of the user's is dropped with it.
    fn ocaml_lwt_interop_forget(called: Called, token: Passed<'f>) {
        drop(empty_token(called.look(token)));
    }

    /// `broken : token -> unit`: the bridge ends, and the future that waits with this token gets an error. Raises what
    /// escapes.
    fn ocaml_lwt_interop_broken(called: Called, token: Passed<'f>) -> Result<(), Raised> {
        match Place::of(&called) {
            Place::OtherThread => Ok(()),
            Place::Deep(_) => Err(Overflow.into()),
            Place::Ready(at) => {
                let sink = take_token(called.look(token));
                in_scope_at(called.begin(), at, Raise::OutsideOfTurns, |_scope| {
                    if let Some(sink) = sink {
                        sink.abandon();
                    }
                })
            }
        }
    }
}

/// When the tasks that became runnable are polled.
///
/// Not in the middle of `Lwt.cancel`: it first rejects all promises that it finds, and then calls their callbacks, one after the
/// other. Meanwhile a `Lwt.protected p` among them still has a callback on `p`. When `p` is settled before the callback is
/// removed, Lwt reads the rejected promise as a pending one, and the process ends with SIGSEGV (`protected` and `cancel` in lwt.ml,
/// 5.6 to 6.1). A tick could settle such a `p`: all reads of a `Lwt_stream` are protected.
#[derive(Clone, Copy)]
enum Tick {
    Now,
    InTheNextTurn,
}

impl Tick {
    fn arrange(self, scope: &Scope) {
        match self {
            Tick::Now => scope.home().tick_if_outermost(scope),
            Tick::InTheNextTurn => scope.home().arm_if_needed(scope, false),
        }
    }
}

/// On a thread that does not run Lwt the token is left alone.
fn settled<'f>(
    called: Called<'f>,
    token: Passed<'f>,
    result: PromiseEnding,
    tick: Tick,
) -> Result<(), Raised> {
    let place = Place::of(&called);
    let (Place::Deep(at) | Place::Ready(at)) = place else {
        return Ok(());
    };
    let sink = take_token(called.look(token));
    let access = called.begin();
    if let Place::Deep(_) = place {
        if let Some(sink) = sink {
            at.home().queue_anywhere(settle_later(access, sink, result));
        }
        return Ok(());
    }
    in_scope_at(access, at, Raise::OutsideOfTurns, |scope| {
        if let Some(sink) = sink {
            sink.settle(scope, result);
            drop(sink);
            tick.arrange(scope);
        }
    })
}

/// The next tick has stack for it.
#[cold]
fn settle_later(access: Access<'_>, sink: Arc<dyn Sink>, result: PromiseEnding) -> Runnable {
    let result = match result {
        Ok(value) => Ok(Root::of(access, &value)),
        Err(exception) => Err(exception.into_root()),
    };
    Runnable::Settle(Box::new(move |scope| {
        let access = scope.access();
        let result = match result {
            Ok(root) => Ok(root.value(access)),
            Err(root) => Err(root.typed(access)),
        };
        sink.settle(scope, result);
    }))
}
