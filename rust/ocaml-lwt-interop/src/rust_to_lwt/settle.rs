//! Settling: a Rust ending becomes the state of a Lwt promise.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use ocaml::ToValue;

use super::output::Settled;
use crate::caml::{self, Callback, Root};
use crate::ending::Ending;
use crate::exception::{self, Outgoing};
use crate::executor::Scope;
use crate::executor::task::Completion;
use crate::panic::catch;

/// An ending in OCaml's terms, rooted.
pub(crate) enum Converted {
    Value(ocaml::Value),
    Exception(Outgoing),
}

/// Converts an ending. May collect; may run OCaml code, to make an exception. A panic of the user's code on the way (a
/// conversion, a destructor, the `Display` of an error) is a panic of the function's.
pub(crate) fn convert<T: ToValue + 'static>(
    scope: &Scope,
    ending: Ending<Settled<T>>,
) -> Converted {
    catch(AssertUnwindSafe(|| convert_or_panic(scope, ending)))
        .unwrap_or_else(|panic| Converted::Exception(exception::of_panic(scope, &panic)))
}

fn convert_or_panic<T: ToValue + 'static>(scope: &Scope, ending: Ending<Settled<T>>) -> Converted {
    match ending {
        Ending::Value(Settled::Value(value)) => {
            // SAFETY: a scope holds the lock; the handle is a token of it without content
            let runtime = unsafe { ocaml::Runtime::recover_handle() };
            Converted::Value(immediate(&value).unwrap_or_else(|| value.to_value(runtime)))
        }
        Ending::Value(Settled::Error(error)) | Ending::Error(error) => {
            Converted::Exception(exception::of_error(scope, &error))
        }
        Ending::Value(Settled::OCaml(error)) => {
            Converted::Exception(exception::of_ocaml_error(scope, &error))
        }
        Ending::Panic(panic) => Converted::Exception(exception::of_panic(scope, &panic)),
        Ending::Dropped => {
            let error = crate::error::Error::broken_promise();
            Converted::Exception(exception::of_error(scope, &error))
        }
    }
}

/// The value of a type whose values are all immediate: ocaml-rs makes a root for them too, which costs more than the rest
/// of the conversion.
#[inline]
pub(super) fn immediate(value: &impl Any) -> Option<ocaml::Value> {
    let value: &dyn Any = value;
    let n = if value.is::<()>() {
        0
    } else if let Some(b) = value.downcast_ref::<bool>() {
        isize::from(*b)
    } else {
        *value.downcast_ref::<isize>()?
    };
    Some(ocaml::Value::Raw(caml::int(n).0))
}

/// Settles a pending promise: `Lwt.wakeup`, so that what was bound to it runs here and now, and its next call is
/// polled in the same tick. A promise that was cancelled stays so.
///
/// Runs OCaml code. An exception that its callbacks let escape is kept for the end of the tick.
pub(crate) fn settle<T: ToValue + 'static>(
    scope: &Scope,
    resolver: Root,
    ending: Ending<Settled<T>>,
) {
    let converted = convert(scope, ending);
    // SAFETY: a scope holds the lock. All arguments are rooted by `resolver` and `converted` until the call takes them
    // over; their types are those of the callbacks. An exception is kept before anything can allocate.
    unsafe {
        let resolver = resolver.get();
        let home = scope.home();
        let settled = match &converted {
            Converted::Value(value) => {
                home.call(scope, Callback::Fulfil, &mut [resolver, value.raw()])
            }
            Converted::Exception(Outgoing {
                exception,
                backtrace,
            }) => home.call(
                scope,
                Callback::Reject,
                &mut [resolver, exception.raw(), backtrace.raw()],
            ),
        };
        if let Err(escaped) = settled {
            home.escape(scope, escaped);
        }
    }
}

/// The completion of a task that a promise stands for.
pub(crate) struct SettlePromise<E> {
    pub(crate) resolver: Root,
    pub(crate) ending: E,
}

impl<R, T, E> Completion<R> for SettlePromise<E>
where
    T: ToValue + 'static,
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
