//! `#[func(sync)]`: a function whose value OCaml gets at once, with no promise around it.

use std::panic::AssertUnwindSafe;

use super::argument::{ArgumentError, Arguments, Signature};
use super::frame;
use super::output::{Outcome, Settled};
use super::settle::{Converted, convert_or_panic};
use crate::caml::loan::restore_dropped;
use crate::caml::{Called, Passed, Raised, Raw};
use crate::conversion::{ToOCaml, build};
use crate::ending::Ending;
use crate::errors_to_ocaml;
use crate::home::Scope;
use crate::panic::catch;

/// Called by the stub of a `#[func(sync)]`. As [`rust_to_lwt`](super::stub::rust_to_lwt); has what the function ends with raised, as
/// well.
#[doc(hidden)]
#[inline]
pub fn call_at_once<'f, const N: usize, R, T: ToOCaml + 'static>(
    called: Called<'f>,
    arguments: [Passed<'f>; N],
    signature: &'static Signature,
    call: impl FnOnce(&Arguments<'_>) -> Result<R, ArgumentError>,
    ending: impl FnOnce(R) -> Outcome<T>,
) -> Result<Raw, Raised> {
    frame::in_scope(
        frame::ALL_THREADS,
        called,
        arguments,
        signature,
        |scope, arguments| value_of_call(scope, arguments, call, ending),
    )
}

/// Neither result is rooted.
#[inline]
fn value_of_call<R, T: ToOCaml + 'static>(
    scope: &Scope,
    arguments: &Arguments<'_>,
    call: impl FnOnce(&Arguments<'_>) -> Result<R, ArgumentError>,
    ending: impl FnOnce(R) -> Outcome<T>,
) -> Result<Raw, Raised> {
    // One place where panics stop, for the arguments, the function and its value.
    let ended = catch(AssertUnwindSafe(|| {
        call(arguments).map(|output| match ending(output).0 {
            Settled::Value(value) => {
                // OCaml hears of it without a call of ours, which would see to that.
                restore_dropped(scope.access());
                Converted::Value(build::convert_here(scope.access(), &value))
            }
            other => convert_or_panic(scope, Ending::Value(other)),
        })
    }));
    let converted = match ended {
        Ok(Ok(converted)) => converted,
        Ok(Err(refused)) => Converted::Exception(refused.exception(scope)),
        Err(panic) => Converted::Exception(errors_to_ocaml::of_panic(scope, &panic)),
    };
    // The function may have spawned.
    scope.home().arm_if_needed(scope, false);
    match converted {
        Converted::Value(value) => Ok(value.raw()),
        Converted::Exception(raised) => Err(raised.raised()),
    }
}
