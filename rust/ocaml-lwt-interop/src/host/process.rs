//! What OCaml's half has of the process: two functions of the C library's, in whose place the build script puts these. `objcopy`
//! renames them in OCaml's object, so that nobody else's calls come here.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int};

use super::life::{Ended, Life};
use crate::caml::{self, Raised, UNIT, startup};
use crate::home::AtHome;
use crate::lock::is_child;

thread_local! {
    /// What `OCAMLRUNPARAM` is, while this thread starts OCaml's runtime.
    static PARAMETERS: RefCell<Option<CString>> = const { RefCell::new(None) };
}

pub(super) fn starting(parameters: CString) {
    PARAMETERS.set(Some(parameters));
}

pub(super) fn started() {
    PARAMETERS.set(None);
}

/// `secure_getenv`. OCaml's runtime reads `OCAMLRUNPARAM` when it starts; to set the variable would race with others who read the
/// environment.
///
/// # Safety
/// A C string. The result is read before OCaml's runtime has started, or before the environment changes.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_host_getenv(name: *const c_char) -> *mut c_char {
    // SAFETY: the caller's word
    let is_parameters = unsafe { CStr::from_ptr(name) } == c"OCAMLRUNPARAM";
    let ours = is_parameters
        .then(|| PARAMETERS.with_borrow(|it| it.as_ref().map(|text| text.as_ptr().cast_mut())));
    match ours.flatten() {
        Some(text) => text,
        // SAFETY: the caller's word
        None => unsafe { environment(name) },
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
unsafe fn environment(name: *const c_char) -> *mut c_char {
    unsafe extern "C" {
        fn secure_getenv(name: *const c_char) -> *mut c_char;
    }
    // SAFETY: the caller's word
    unsafe { secure_getenv(name) }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
unsafe fn environment(name: *const c_char) -> *mut c_char {
    // SAFETY: the caller's word
    unsafe { libc::getenv(name) }
}

/// `exit`, as OCaml's half calls it (`caml_sys_exit`): its `at_exit` hooks have run. The process is Rust's, so the host is told. In the
/// child of a `fork`, and where Rust is not the host, it is the C library's.
///
/// On a domain thread, others may wait for what is on this stack, so it is left by an exception, which nobody should catch: where Lwt
/// runs, the loop ends in this turn. Any other thread stops. Then Lwt's thread is told to end its loop (`stop_for_exit` in
/// `exiting.ml`).
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_host_exit(code: c_int) -> ! {
    match Life::current() {
        Some(life) if !is_child() => {
            let has_started = life.has_begun_to_run();
            life.end(Ended::Exited { code });
            if has_started {
                let at = AtHome::here();
                if !at.is_some_and(|at| at.home().is_lwt()) {
                    life.stop();
                }
                if at.is_some() {
                    // SAFETY: OCaml code called `exit` here, with the lock; this frame has nothing to drop
                    unsafe { raise_exited() };
                }
            }
            startup::leave_if_held();
            loop {
                std::thread::park();
            }
        }
        // SAFETY: no precondition
        _ => unsafe { libc::exit(code) },
    }
}

/// What `host.ml` registers.
const EXITED: &CStr = c"ocaml_lwt_interop.host.exited";

/// # Safety
/// As for [`caml::run`].
unsafe fn raise_exited() {
    // SAFETY: the caller's word
    let _ = unsafe {
        caml::run([], |called, []| {
            let access = called.begin();
            match caml::named_value(access, EXITED) {
                Some(exited) => Err(Raised::just(exited.get(access))),
                None => Ok(UNIT),
            }
        })
    };
}
