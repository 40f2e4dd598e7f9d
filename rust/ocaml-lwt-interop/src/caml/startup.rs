//! How a program of Rust's starts OCaml, which is linked into it.
//!
//! `caml_startup_exn` (`startup_nat.c`, OCaml 4.13 to 5.4) runs the initialisation of all modules. It gives back what one of them
//! raised. From then on this thread is OCaml's first one, and holds the runtime lock.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use ocaml::sys;

use super::call::{call, named_value};
use super::lock::{self, Access};
use super::value::{Raw, UNIT};

unsafe extern "C" {
    // `startup.c`
    safe fn ocaml_lwt_interop_can_start() -> bool;
    fn ocaml_lwt_interop_startup(argv: *mut *mut c_char, exception: *mut sys::Value) -> bool;
    fn ocaml_lwt_interop_format_exception(exception: sys::Value) -> *mut c_char;
    fn ocaml_lwt_interop_free(text: *mut c_char);
}

/// Whether this program has an OCaml half in it, which was not started by a `main` of its own.
pub(crate) fn can_start() -> bool {
    ocaml_lwt_interop_can_start()
}

/// Runs the initialisation of all OCaml modules on this thread. `Err` is the exception that one of them raised, not rooted.
/// OCaml has the arguments for good.
///
/// # Safety
/// Once in the process, where [`can_start`]. This thread keeps the proof until it gives the runtime lock up.
pub(crate) unsafe fn start<'a>(arguments: Vec<CString>) -> (Access<'a>, Result<(), Raw>) {
    let mut argv: Vec<*mut c_char> = arguments.into_iter().map(CString::into_raw).collect();
    argv.push(ptr::null_mut());
    let mut exception = UNIT.0;
    // SAFETY: the caller's word; a vector that ends in null, which nobody frees, as its strings
    let ended = unsafe { ocaml_lwt_interop_startup(argv.leak().as_mut_ptr(), &mut exception) };
    // SAFETY: the runtime has given this thread its lock
    let access = unsafe { lock::called() };
    (access, if ended { Ok(()) } else { Err(Raw(exception)) })
}

/// What the runtime prints of an exception, where no OCaml code can be asked.
///
/// # Safety
/// It is a live exception. No allocation on the OCaml heap.
pub(crate) unsafe fn format_exception(_access: Access<'_>, exception: Raw) -> String {
    // SAFETY: the caller's word; a C string that is freed once
    unsafe {
        let text = ocaml_lwt_interop_format_exception(exception.0);
        let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
        ocaml_lwt_interop_free(text);
        copy
    }
}

/// Calls the function that OCaml registered under that name with what was just raised. Boxroot may not be set up yet. `None`: there is no
/// such function.
///
/// # Safety
/// It takes an exception, and this is a live one. Runs OCaml code; what the function gives is not rooted.
pub(crate) unsafe fn tell(
    access: Access<'_>,
    name: &CStr,
    exception: Raw,
) -> Option<Result<Raw, Raw>> {
    let mut kept = exception;
    // SAFETY: the caller's word; a cell that stays where it is until it is removed
    unsafe {
        sys::caml_register_global_root(&raw mut kept.0);
        let function = named_value(access, name);
        sys::caml_remove_global_root(&raw mut kept.0);
        Some(call(access, function?.get(access), &mut [kept]))
    }
}

/// Gives the runtime lock up, for as long as this thread lives.
///
/// # Safety
/// No OCaml code is on this thread's stack that would run on.
pub(crate) unsafe fn leave(_access: Access<'_>) {
    lock::leave_for_good();
}

/// As [`leave`], for a thread of which nobody knows whether it has the lock.
pub(crate) fn leave_if_held() {
    if lock::is_held() {
        lock::leave_for_good();
    }
}
