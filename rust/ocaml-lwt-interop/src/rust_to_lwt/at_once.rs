//! `#[func(sync)]`: a function whose value OCaml gets at once, with no promise around it.

use std::panic::AssertUnwindSafe;

use super::argument::{ArgumentError, Arguments, Signature};
use super::frame;
use super::output::Outcome;
use super::settle::{Converted, convert};
use crate::caml::Raw;
use crate::conversion::ToOCaml;
use crate::ending::Ending;
use crate::home::Scope;
use crate::panic::catch;

/// Called by the stub of a `#[func(sync)]`.
///
/// # Safety
/// As for [`rust_to_lwt`](super::stub::rust_to_lwt). Raises what the function ends with, as well.
#[doc(hidden)]
#[inline]
pub unsafe fn call_at_once<const N: usize, R, T: ToOCaml + 'static>(
    signature: &'static Signature,
    arguments: [Raw; N],
    call: impl FnOnce(&Arguments<'_>) -> Result<R, ArgumentError>,
    ending: impl FnOnce(R) -> Outcome<T>,
) -> Raw {
    // SAFETY: as the caller's; neither result of the call is rooted, and nothing allocates after it
    unsafe {
        frame::run(signature, arguments, |scope, arguments| {
            value_of_call(scope, arguments, call, ending)
        })
    }
}

/// Neither result is rooted.
#[inline]
fn value_of_call<R, T: ToOCaml + 'static>(
    scope: &Scope,
    arguments: &Arguments<'_>,
    call: impl FnOnce(&Arguments<'_>) -> Result<R, ArgumentError>,
    ending: impl FnOnce(R) -> Outcome<T>,
) -> Result<Raw, Raw> {
    let ended = catch(AssertUnwindSafe(|| {
        call(arguments).map(|output| ending(output).0)
    }));
    let converted = match ended {
        Ok(Ok(settled)) => convert(scope, Ending::Value(settled)),
        Ok(Err(refused)) => Converted::Exception(refused.exception(scope)),
        Err(panic) => convert::<T>(scope, Ending::Panic(panic)),
    };
    // The function may have spawned.
    scope.home().arm_if_needed(scope, false);
    match converted {
        Converted::Value(value) => Ok(value.raw()),
        Converted::Exception(raised) => Err(raised.exception.raw()),
    }
}
