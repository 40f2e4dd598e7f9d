//! Settling: a Rust ending becomes the state of a Lwt promise.

use std::panic::AssertUnwindSafe;

use super::output::Settled;
use crate::caml::{Callbacks, PendingPromise, TypedRoot, promise_of, types};
use crate::conversion::{ToOCaml, build};
use crate::ending::Ending;
use crate::errors_to_ocaml::{self, Outgoing};
use crate::executor::task::Completion;
use crate::home::{AssertSend, Home, Key, Runnable, Scope};
use crate::panic::{Panic, catch};

/// A pending promise, and what settles it.
pub(crate) type ResolverRoot = TypedRoot<types::Resolver>;

/// An ending in OCaml's terms, rooted.
pub(crate) enum Converted {
    Value(ocaml::Value),
    Exception(Outgoing),
}

/// Converts an ending. May collect; may run OCaml code, to make an exception. A panic of the user's code on the way (a
/// conversion, a destructor, the `Display` of an error) is a panic of the function's.
///
/// What most end with, a value, is converted here: the ending of a call is not copied from place to place for that.
#[inline]
pub(crate) fn convert<T: ToOCaml + 'static>(
    scope: &Scope,
    ending: Ending<Settled<T>>,
) -> Converted {
    match ending {
        Ending::Value(Settled::Value(value)) => convert_value(scope, value),
        other => convert_slowly(scope, other),
    }
}

#[inline]
fn convert_value<T: ToOCaml + 'static>(scope: &Scope, value: T) -> Converted {
    catch(AssertUnwindSafe(move || {
        build::convert_here(scope.access(), &value)
    }))
    .map_or_else(|panic| of_panic(scope, &panic), Converted::Value)
}

#[cold]
#[inline(never)]
fn of_panic(scope: &Scope, panic: &Panic) -> Converted {
    Converted::Exception(errors_to_ocaml::of_panic(scope, panic))
}

#[cold]
#[inline(never)]
fn convert_slowly<T: ToOCaml + 'static>(scope: &Scope, ending: Ending<Settled<T>>) -> Converted {
    catch(AssertUnwindSafe(|| convert_or_panic(scope, ending)))
        .unwrap_or_else(|panic| of_panic(scope, &panic))
}

/// As [`convert`], which is for who does not catch panics.
pub(super) fn convert_or_panic<T: ToOCaml + 'static>(
    scope: &Scope,
    ending: Ending<Settled<T>>,
) -> Converted {
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
) -> Option<(TypedRoot<types::Promise>, ResolverRoot)> {
    let arguments = (&key.to_int(), &cancelable);
    let made = scope.home().ask(scope, &Callbacks::PENDING, &arguments);
    let PendingPromise { resolver, .. } = made.ok()?;
    let promise = promise_of(scope.access(), &resolver);
    Some((promise.into_root(), resolver))
}

/// Settles a pending promise: `Lwt.wakeup`, so that what was bound to it runs here and now, and its next call is
/// polled in the same tick. A promise that was cancelled stays so.
///
/// Runs OCaml code. An exception that its callbacks let escape is kept for the end of the tick.
pub(crate) fn settle<T: ToOCaml + 'static>(
    scope: &Scope,
    resolver: ResolverRoot,
    ending: Ending<Settled<T>>,
) {
    let converted = convert(scope, ending);
    settle_with(scope, resolver, converted);
}

fn settle_with(scope: &Scope, resolver: ResolverRoot, converted: Converted) {
    let home = scope.home();
    home.handle_pending(scope);
    if home.must_raise_first(scope.at()) {
        return settle_later(home, resolver, converted);
    }
    // The functions do nothing with a promise that is settled.
    let settled = match &converted {
        Converted::Value(value) => {
            home.call_until_returned(scope, &Callbacks::FULFIL, &(&resolver, value))
        }
        Converted::Exception(Outgoing {
            exception,
            backtrace,
        }) => {
            let arguments = (&resolver, exception, backtrace);
            home.call_until_returned(scope, &Callbacks::REJECT, &arguments)
        }
    };
    // What came instead each time may be over in the next tick.
    if settled.is_err() && home.is_open(scope.at()) {
        settle_later(home, resolver, converted);
    }
}

#[cold]
fn settle_later(home: &'static Home, resolver: ResolverRoot, converted: Converted) {
    let again = AssertSend((resolver, converted));
    home.queue_anywhere(Runnable::Settle(Box::new(move |scope| {
        let (resolver, converted) = again.into_inner();
        settle_with(scope, resolver, converted);
    })));
}

/// The completion of a task that a promise stands for.
pub(crate) struct SettlePromise<E> {
    pub(crate) resolver: ResolverRoot,
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
pub(crate) fn break_promise(scope: &Scope, resolver: ResolverRoot) {
    settle::<()>(scope, resolver, Ending::Dropped);
}
