//! What a `#[func]` does when OCaml calls it. This is the model function of the crate: read it first.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::task::Poll;

use ocaml::ToValue;

use super::argument::{ArgumentError, Arguments, Cancel, Signature};
use super::frame;
use super::output::{Outcome, Settled};
use super::settle::{Converted, SettlePromise, convert};
use super::settled_call::run_to_end;
use super::stream::RustStream;
use crate::caml::{Callbacks, Called, Passed, PendingPromise, Raised, Raw, promise_of};
use crate::conversion::ToOCaml;
use crate::ending::Ending;
use crate::error::Error;
use crate::errors_to_ocaml::{self, Outgoing};
use crate::executor::task::TaskCell;
use crate::home::Scope;
use crate::panic::catch;
use crate::storage::Storage;

/// Called by the stub of a `#[func]`. Allocates, runs OCaml code, and has `Invalid_argument`, `Rust_async.Misuse` or `Stack_overflow`
/// raised.
#[doc(hidden)]
#[inline]
pub fn rust_to_lwt<'f, const N: usize, F, T, E>(
    called: Called<'f>,
    arguments: [Passed<'f>; N],
    signature: &'static Signature,
    make: impl FnOnce(&Arguments<'_>) -> Result<F, ArgumentError>,
    ending: E,
) -> Result<Raw, Raised>
where
    F: Future + 'static,
    T: ToOCaml + 'static,
    E: FnOnce(F::Output) -> Outcome<T> + 'static,
{
    let ending = move |output| Ending::Value(ending(output).0);
    rust_to_lwt_by(called, arguments, signature, make, ending)
}

/// As [`rust_to_lwt`], with an output that says itself how the function has ended.
#[inline]
pub(super) fn rust_to_lwt_by<'f, const N: usize, F, T, E>(
    called: Called<'f>,
    arguments: [Passed<'f>; N],
    signature: &'static Signature,
    make: impl FnOnce(&Arguments<'_>) -> Result<F, ArgumentError>,
    ending: E,
) -> Result<Raw, Raised>
where
    F: Future + 'static,
    T: ToOCaml + 'static,
    E: FnOnce(F::Output) -> Ending<Settled<T>> + 'static,
{
    frame::in_scope(
        frame::DOMAIN_THREADS,
        called,
        arguments,
        signature,
        |scope, arguments| call(scope, arguments, make, ending),
    )
}

/// Does the work. Neither result is rooted.
#[inline]
fn call<F, T, E>(
    scope: &Scope,
    arguments: &Arguments<'_>,
    make: impl FnOnce(&Arguments<'_>) -> Result<F, ArgumentError>,
    ending: E,
) -> Result<Raw, Raised>
where
    F: Future + 'static,
    T: ToOCaml + 'static,
    E: FnOnce(F::Output) -> Ending<Settled<T>> + 'static,
{
    let at = scope.at();
    let signature = arguments.signature;
    // The function's own code does not run yet: an async body starts at its first poll.
    let future = match catch(AssertUnwindSafe(|| make(arguments))) {
        Ok(Ok(future)) => future,
        Ok(Err(refused)) => return Err(refused.exception(scope).raised()),
        Err(panic) => return Err(errors_to_ocaml::of_panic(scope, &panic).raised()),
    };

    if !at.home().is_lwt() {
        let converted = run_to_end(scope, signature.function, future, ending);
        return settled_promise(scope, &converted);
    }

    // Eager, as a Lwt function runs until its first suspension.
    let task = TaskCell::<F, SettlePromise<_>>::eager(at.home(), at, future);
    match TaskCell::poll_first(&task, scope) {
        Poll::Ready(ready) => {
            drop(task);
            let converted = convert(scope, ready.map(ending));
            at.home().arm_if_needed(scope, false);
            settled_promise(scope, &converted)
        }
        Poll::Pending => {
            let key = task.any().register(scope);
            // Before the promise is made, which would have to be rooted meanwhile.
            at.home().arm_if_needed(scope, task.head().is_woken(scope));
            let (key_of_ocaml, cancelable) = (key.to_int(), signature.cancel == Cancel::Drop);
            let arguments = (&key_of_ocaml, &cancelable);
            match at.home().call(scope, &Callbacks::PENDING, &arguments) {
                Ok(PendingPromise { promise, resolver }) => {
                    if Storage::is_nothing_bound(scope) && !task.head().is_cancelled(scope) {
                        task.set_completion(scope, SettlePromise { resolver, ending });
                        task.into_any().suspend(scope);
                        // Nothing of this has allocated.
                        return Ok(promise);
                    }
                    // What is bound is asked for. Or OCaml ran a signal handler, which has shut the bridge down: then suspending
                    // rejects now.
                    let promise = promise_of(scope.access(), &resolver);
                    task.set_completion(scope, SettlePromise { resolver, ending });
                    if !Storage::is_nothing_bound(scope) {
                        task.head().set_storage(scope, Storage::bound(scope));
                    }
                    task.into_any().suspend(scope);
                    Ok(promise.value().raw())
                }
                Err(exception) => {
                    // An asynchronous exception (`Sys.Break`): the caller gets it, and the future goes. Dropping it may run
                    // anything; the exception is rooted meanwhile.
                    at.home().cancel(scope, key);
                    task.into_any().suspend(scope);
                    Err(Raised::just(exception.value().raw()))
                }
            }
        }
    }
}

/// Called by the stub of a `#[func]` that returns a stream by itself, not in a promise. As [`rust_to_lwt`]; has
/// `Rust_async.Rust_panic` raised as well, when the function panics, and `Rust_async.Misuse` on a worker domain too.
#[doc(hidden)]
#[inline]
pub fn rust_to_lwt_stream<'f, const N: usize, T: ToOCaml + 'static>(
    called: Called<'f>,
    arguments: [Passed<'f>; N],
    signature: &'static Signature,
    make: impl FnOnce(&Arguments<'_>) -> Result<RustStream<T>, ArgumentError>,
) -> Result<Raw, Raised> {
    frame::in_scope(
        frame::DOMAIN_THREADS,
        called,
        arguments,
        signature,
        |scope, arguments| call_for_stream(scope, arguments, make),
    )
}

/// Neither result is rooted.
fn call_for_stream<T: ToOCaml + 'static>(
    scope: &Scope,
    arguments: &Arguments<'_>,
    make: impl FnOnce(&Arguments<'_>) -> Result<RustStream<T>, ArgumentError>,
) -> Result<Raw, Raised> {
    let (at, access) = (scope.at(), scope.access());
    if !at.home().is_lwt() {
        let misuse = Error::misuse(format!(
            "{} was called on a worker domain, where Lwt does not run and nobody could read its stream: call it on the thread \
             that runs Lwt",
            arguments.signature.function
        ));
        return Err(errors_to_ocaml::of_error(scope, &misuse).raised());
    }
    let escaped_before = at.home().escaped(at);
    let runtime = access.runtime();
    let made = catch(AssertUnwindSafe(|| {
        make(arguments).map(|stream| stream.to_value(runtime))
    }));
    let result = match made {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(refused)) => Err(refused.exception(scope)),
        Err(panic) => Err(errors_to_ocaml::of_panic(scope, &panic)),
    };
    // The function may have spawned.
    at.home().arm_if_needed(scope, false);
    // `Sys.Break` came meanwhile: the caller gets it, as from a call for a promise, and the stream goes.
    if let Some(escaped) = at.home().take_escaped_since(scope, escaped_before) {
        return Err(Raised::just(escaped.get(access)));
    }
    match result {
        Ok(stream) => Ok(stream.raw()),
        Err(raised) => Err(raised.raised()),
    }
}

/// `Lwt.return` or `Lwt.fail`. The result is not rooted. Always inlined: it is a part of each call, and stands in its code twice.
#[inline(always)]
fn settled_promise(scope: &Scope, converted: &Converted) -> Result<Raw, Raised> {
    let home = scope.home();
    let settled = match converted {
        Converted::Value(value) => home.call(scope, &Callbacks::RESOLVED, &(value,)),
        Converted::Exception(Outgoing {
            exception,
            backtrace,
        }) => home.call(scope, &Callbacks::FAILED, &(exception, backtrace)),
    };
    settled.map_err(|exception| Raised::just(exception.value().raw()))
}
