//! `#[func(sync)]`: a function whose value OCaml gets at once, with no promise around it.

use std::panic::AssertUnwindSafe;

use super::argument::{ArgumentError, Arguments, Signature};
use super::output::Outcome;
use super::settle::{Converted, convert};
use super::stub::begin;
use crate::caml::lock::{self, Access};
use crate::caml::{self, Raw};
use crate::conversion::ToOCaml;
use crate::ending::Ending;
use crate::errors_to_ocaml;
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
    // SAFETY: as the caller's; everything was dropped when the call returned, and nothing has allocated since
    unsafe {
        let access = lock::called();
        match value_of_call(access, signature, arguments, call, ending) {
            Ok(value) => value,
            Err(exception) => caml::raise(access, exception),
        }
    }
}

/// # Safety
/// As for [`call_at_once`], but nothing is raised. Neither result is rooted.
unsafe fn value_of_call<const N: usize, R, T: ToOCaml + 'static>(
    access: Access<'_>,
    signature: &'static Signature,
    arguments: [Raw; N],
    call: impl FnOnce(&Arguments<'_>) -> Result<R, ArgumentError>,
    ending: impl FnOnce(R) -> Outcome<T>,
) -> Result<Raw, Raw> {
    // SAFETY: as the caller's; nothing here has a destructor yet
    let (at, values) = unsafe { begin(access, signature, arguments)? };
    let scope = Scope::enter(access, at);
    let arguments = Arguments {
        access: scope.access(),
        signature,
        values: &values,
    };
    let ended = catch(AssertUnwindSafe(|| {
        call(&arguments).map(|output| ending(output).0)
    }));
    let converted = match ended {
        Ok(Ok(settled)) => convert(&scope, Ending::Value(settled)),
        Ok(Err(ArgumentError(message))) => {
            Converted::Exception(errors_to_ocaml::invalid_argument(&scope, &message))
        }
        Err(panic) => convert::<T>(&scope, Ending::Panic(panic)),
    };
    // The function may have spawned.
    at.home().arm_if_needed(&scope, false);
    match converted {
        Converted::Value(value) => Ok(value.raw()),
        Converted::Exception(raised) => Err(raised.exception.raw()),
    }
}
