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
use crate::caml::{self, Callback, Raw, Root};
use crate::conversion::ToOCaml;
use crate::ending::Ending;
use crate::error::Error;
use crate::errors_to_ocaml::{self, Outgoing};
use crate::executor::task::TaskCell;
use crate::home::Scope;
use crate::panic::catch;
use crate::storage::Storage;

/// Called by the stub of a `#[func]`.
///
/// # Safety
/// OCaml calls the stub, so this thread holds the runtime lock and may run OCaml code; `arguments` are its arguments,
/// live and of the types that the `external` declares. Allocates, runs OCaml code, and raises `Invalid_argument`,
/// `Rust_async.Misuse` or `Stack_overflow`; the caller holds nothing with a destructor.
#[doc(hidden)]
#[inline]
pub unsafe fn rust_to_lwt<const N: usize, F, T, E>(
    signature: &'static Signature,
    arguments: [Raw; N],
    make: impl FnOnce(&Arguments<'_>) -> Result<F, ArgumentError>,
    ending: E,
) -> Raw
where
    F: Future + 'static,
    T: ToOCaml + 'static,
    E: FnOnce(F::Output) -> Outcome<T> + 'static,
{
    let ending = move |output| Ending::Value(ending(output).0);
    // SAFETY: as the caller's
    unsafe { call_or_raise(signature, arguments, make, ending) }
}

/// As [`rust_to_lwt`], with an output that says itself how the function has ended.
///
/// # Safety
/// As for [`rust_to_lwt`].
#[inline]
pub(super) unsafe fn call_or_raise<const N: usize, F, T, E>(
    signature: &'static Signature,
    arguments: [Raw; N],
    make: impl FnOnce(&Arguments<'_>) -> Result<F, ArgumentError>,
    ending: E,
) -> Raw
where
    F: Future + 'static,
    T: ToOCaml + 'static,
    E: FnOnce(F::Output) -> Ending<Settled<T>> + 'static,
{
    // SAFETY: as the caller's; neither result of `call` is rooted, and nothing allocates after it
    unsafe {
        frame::run(signature, arguments, |scope, arguments| {
            call(scope, arguments, make, ending)
        })
    }
}

/// Does the work. Neither result is rooted.
#[inline]
fn call<F, T, E>(
    scope: &Scope,
    arguments: &Arguments<'_>,
    make: impl FnOnce(&Arguments<'_>) -> Result<F, ArgumentError>,
    ending: E,
) -> Result<Raw, Raw>
where
    F: Future + 'static,
    T: ToOCaml + 'static,
    E: FnOnce(F::Output) -> Ending<Settled<T>> + 'static,
{
    let (at, access) = (scope.at(), scope.access());
    let signature = arguments.signature;
    // The function's own code does not run yet: an async body starts at its first poll.
    let future = match catch(AssertUnwindSafe(|| make(arguments))) {
        Ok(Ok(future)) => future,
        Ok(Err(refused)) => return Err(refused.exception(scope).exception.raw()),
        Err(panic) => return Err(errors_to_ocaml::of_panic(scope, &panic).exception.raw()),
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
            let key = TaskCell::register(&task, scope);
            // Before the promise is made, which would have to be rooted meanwhile.
            at.home().arm_if_needed(scope, task.is_woken(scope));
            // SAFETY: `int -> bool -> 'a Lwt.t * 'a Lwt.u`; the pair and its parts are read before anything can allocate
            unsafe {
                let cancelable = signature.cancel == Cancel::Drop;
                let mut arguments = [caml::int(key.to_int()), caml::bool(cancelable)];
                match at.home().call(scope, Callback::Pending, &mut arguments) {
                    Ok(pair) => {
                        let (promise, resolver) = (caml::field(pair, 0), Root::new(access, pair));
                        task.set_completion(scope, SettlePromise { resolver, ending });
                        if !Storage::is_nothing_bound(scope) {
                            let promise = caml::protect(access, promise);
                            task.set_storage(scope, Storage::bound(scope));
                            TaskCell::suspend(task, scope);
                            return Ok(promise.raw());
                        }
                        if task.is_cancelled(scope) {
                            // OCaml ran a signal handler, which has shut the bridge down. Suspending rejects now.
                            let promise = caml::protect(access, promise);
                            TaskCell::suspend(task, scope);
                            return Ok(promise.raw());
                        }
                        TaskCell::suspend(task, scope);
                        Ok(promise)
                    }
                    Err(exception) => {
                        // An asynchronous exception (`Sys.Break`): the caller gets it, and the future goes. Dropping
                        // it may run anything, so the exception is rooted meanwhile.
                        let exception = caml::protect(access, exception);
                        at.home().cancel(scope, key);
                        TaskCell::suspend(task, scope);
                        Err(exception.raw())
                    }
                }
            }
        }
    }
}

/// Called by the stub of a `#[func]` that returns a stream by itself, not in a promise.
///
/// # Safety
/// As for [`rust_to_lwt`]. Raises `Rust_async.Rust_panic` as well, when the function panics; and `Rust_async.Misuse` on a
/// worker domain too.
#[doc(hidden)]
#[inline]
pub unsafe fn rust_to_lwt_stream<const N: usize, T: ToOCaml + 'static>(
    signature: &'static Signature,
    arguments: [Raw; N],
    make: impl FnOnce(&Arguments<'_>) -> Result<RustStream<T>, ArgumentError>,
) -> Raw {
    // SAFETY: as the caller's; neither result of the call is rooted, and nothing allocates after it
    unsafe {
        frame::run(signature, arguments, |scope, arguments| {
            call_for_stream(scope, arguments, make)
        })
    }
}

/// Neither result is rooted.
fn call_for_stream<T: ToOCaml + 'static>(
    scope: &Scope,
    arguments: &Arguments<'_>,
    make: impl FnOnce(&Arguments<'_>) -> Result<RustStream<T>, ArgumentError>,
) -> Result<Raw, Raw> {
    let (at, access) = (scope.at(), scope.access());
    if !at.home().is_lwt() {
        let misuse = Error::misuse(format!(
            "{} was called on a worker domain, where Lwt does not run and nobody could read its stream: call it on the thread \
             that runs Lwt",
            arguments.signature.function
        ));
        return Err(errors_to_ocaml::of_error(scope, &misuse).exception.raw());
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
        return Err(escaped.get(access));
    }
    match result {
        Ok(stream) => Ok(stream.raw()),
        Err(raised) => Err(raised.exception.raw()),
    }
}

/// `Lwt.return` or `Lwt.fail`. The result is not rooted.
#[inline]
fn settled_promise(scope: &Scope, converted: &Converted) -> Result<Raw, Raw> {
    // SAFETY: rooted until they are arguments, of the callbacks' types
    unsafe {
        match converted {
            Converted::Value(value) => {
                scope
                    .home()
                    .call(scope, Callback::Resolved, &mut [value.raw()])
            }
            Converted::Exception(Outgoing {
                exception,
                backtrace,
            }) => scope.home().call(
                scope,
                Callback::Failed,
                &mut [exception.raw(), backtrace.raw()],
            ),
        }
    }
}
