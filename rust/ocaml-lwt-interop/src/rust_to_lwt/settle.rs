//! Settling: a Rust ending becomes the state of a Lwt promise.

use std::panic::AssertUnwindSafe;

use super::output::Settled;
use crate::caml::{self, Callback, Root, TypedRoot, types};
use crate::conversion::{ToOCaml, build};
use crate::ending::Ending;
use crate::errors_to_ocaml::{self, Outgoing};
use crate::executor::task::Completion;
use crate::home::{AssertSend, Home, Key, Runnable, Scope};
use crate::panic::catch;

/// An ending in OCaml's terms, rooted.
pub(crate) enum Converted {
    Value(ocaml::Value),
    Exception(Outgoing),
}

/// Converts an ending. May collect; may run OCaml code, to make an exception. A panic of the user's code on the way (a
/// conversion, a destructor, the `Display` of an error) is a panic of the function's.
pub(crate) fn convert<T: ToOCaml + 'static>(
    scope: &Scope,
    ending: Ending<Settled<T>>,
) -> Converted {
    // What was lent to a body on another thread is OCaml's again before it hears that the body has ended.
    caml::loan::restore_dropped(scope.access());
    catch(AssertUnwindSafe(|| convert_or_panic(scope, ending)))
        .unwrap_or_else(|panic| Converted::Exception(errors_to_ocaml::of_panic(scope, &panic)))
}

fn convert_or_panic<T: ToOCaml + 'static>(scope: &Scope, ending: Ending<Settled<T>>) -> Converted {
    match ending {
        Ending::Value(Settled::Value(value)) => {
            Converted::Value(build::convert_here(scope.access(), &value))
        }
        Ending::Value(Settled::Error(error)) | Ending::Error(error) => {
            Converted::Exception(errors_to_ocaml::of_error(scope, &error))
        }
        Ending::Value(Settled::OCaml(error)) => {
            Converted::Exception(errors_to_ocaml::of_ocaml_error(scope, &error))
        }
        Ending::Panic(panic) => Converted::Exception(errors_to_ocaml::of_panic(scope, &panic)),
        Ending::Dropped => {
            let error = crate::error::Error::broken_promise();
            Converted::Exception(errors_to_ocaml::of_error(scope, &error))
        }
    }
}

/// A pending promise for OCaml, and what settles it. `None`: an exception came each time, and has escaped. Runs OCaml code, may
/// collect. `cancelable`: cancelling the promise calls back with the key.
pub(crate) fn pending(
    scope: &Scope,
    key: Key,
    cancelable: bool,
) -> Option<(TypedRoot<types::Promise>, Root)> {
    let access = scope.access();
    let arguments = || [caml::int(key.to_int()), caml::bool(cancelable)];
    // SAFETY: `int -> bool -> 'a Lwt.t * 'a Lwt.u`; the pair is read before anything can allocate
    unsafe {
        let made = scope
            .home()
            .call_until_done(scope, Callback::Pending, arguments);
        let pair = made.ok()?;
        let promise = TypedRoot::new(Root::new(access, caml::field(pair, 0)));
        Some((promise, Root::new(access, pair)))
    }
}

/// Settles a pending promise: `Lwt.wakeup`, so that what was bound to it runs here and now, and its next call is
/// polled in the same tick. A promise that was cancelled stays so. `resolver`: what `Pending` gave.
///
/// Runs OCaml code. An exception that its callbacks let escape is kept for the end of the tick.
pub(crate) fn settle<T: ToOCaml + 'static>(
    scope: &Scope,
    resolver: Root,
    ending: Ending<Settled<T>>,
) {
    let converted = convert(scope, ending);
    settle_with(scope, resolver, converted);
}

fn settle_with(scope: &Scope, resolver: Root, converted: Converted) {
    let home = scope.home();
    home.handle_pending(scope);
    if home.must_raise_first(scope.at()) {
        return settle_later(home, resolver, converted);
    }
    let access = scope.access();
    // SAFETY: all arguments are rooted by `resolver` and `converted`; their types are those of the
    // callbacks, which do nothing with a promise that is settled.
    let settled = unsafe {
        match &converted {
            Converted::Value(value) => home.call_until_returned(scope, Callback::Fulfil, || {
                [resolver.get(access), value.raw()]
            }),
            Converted::Exception(Outgoing {
                exception,
                backtrace,
            }) => home.call_until_returned(scope, Callback::Reject, || {
                [resolver.get(access), exception.raw(), backtrace.raw()]
            }),
        }
    };
    // What came instead each time may be over in the next tick.
    if settled.is_err() && home.is_open(scope.at()) {
        settle_later(home, resolver, converted);
    }
}

#[cold]
fn settle_later(home: &'static Home, resolver: Root, converted: Converted) {
    let again = AssertSend((resolver, converted));
    home.queue_anywhere(Runnable::Settle(Box::new(move |scope| {
        let (resolver, converted) = again.into_inner();
        settle_with(scope, resolver, converted);
    })));
}

/// The completion of a task that a promise stands for.
pub(crate) struct SettlePromise<E> {
    /// What `Pending` gave.
    pub(crate) resolver: Root,
    pub(crate) ending: E,
}

impl<R, T, E> Completion<R> for SettlePromise<E>
where
    T: ToOCaml + 'static,
    E: FnOnce(R) -> Ending<Settled<T>> + 'static,
{
    fn complete(self, scope: &Scope, ending: Ending<R>) {
        let SettlePromise {
            resolver,
            ending: of_output,
        } = self;
        settle(scope, resolver, ending.map(of_output));
    }

    fn disown(self, scope: &Scope) {
        break_promise(scope, self.resolver);
    }
}

/// Rejects a promise that nobody can resolve any more. Runs OCaml code.
pub(crate) fn break_promise(scope: &Scope, resolver: Root) {
    settle::<()>(scope, resolver, Ending::Dropped);
}
