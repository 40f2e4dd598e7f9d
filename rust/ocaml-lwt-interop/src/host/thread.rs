//! OCaml's thread.

use std::ffi::CString;

use super::life::{Ended, Life};
use super::process;
use crate::caml::lock::Access;
use crate::caml::{self, Live, Raw, UNIT, startup};

/// What `host.ml` registers: `unit -> (string * string) option`, the loop, which says by which exception it has ended.
const RUN: &std::ffi::CStr = c"ocaml_lwt_interop.host.run";
/// `exn -> (string * string) option`: what an exception is, once `at_exit`'s hooks have run.
const RAISED: &std::ffi::CStr = c"ocaml_lwt_interop.host.raised";

/// All of OCaml's life.
pub(super) fn run(life: &'static Life, arguments: Vec<CString>, parameters: CString) {
    process::starting(parameters);
    // SAFETY: there is one life, and so one such thread; the crate's `can_start` was asked
    let (access, initialised) = unsafe { startup::start(arguments) };
    process::started();
    let ended = match initialised {
        Err(exception) => raised(access, exception),
        Ok(()) => match caml::named_value(access, RUN) {
            // SAFETY: the function that `host.ml` registers, which takes `unit`
            Some(run) => unsafe {
                match caml::call(access, run.get(access), &mut [UNIT]) {
                    Ok(ended) => read(access, ended),
                    Err(exception) => raised(access, exception),
                }
            },
            None => Ended::Raised {
                exception: "the OCaml library rust-async is not linked into this program: add rust-async to the libraries of \
                            the executable"
                    .to_owned(),
                backtrace: String::new(),
            },
        },
    };
    // SAFETY: OCaml has returned, and is not called again
    unsafe { startup::leave(access) };
    life.end(ended);
}

/// What has ended it; its hooks have run.
fn raised(access: Access<'_>, exception: Raw) -> Ended {
    // SAFETY: just raised, and nothing was allocated since
    let plain = unsafe { startup::format_exception(access, exception) };
    // SAFETY: live, as above; the function that `host.ml` registers takes an exception
    match unsafe { startup::tell(access, RAISED, exception) } {
        // SAFETY: just returned
        Some(Ok(ended)) => unsafe { read(access, ended) },
        Some(Err(_)) | None => Ended::Raised {
            exception: plain,
            backtrace: String::new(),
        },
    }
}

/// A `(string * string) option`.
///
/// # Safety
/// It is live.
unsafe fn read(access: Access<'_>, ended: Raw) -> Ended {
    // SAFETY: the caller's word; nothing allocates
    let Some(pair) = unsafe { Live::new(access, ended) }.field(0) else {
        return Ended::ShutDown;
    };
    let text = |i| {
        let bytes = pair.field(i).and_then(Live::bytes).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    Ended::Raised {
        exception: text(0),
        backtrace: text(1),
    }
}
