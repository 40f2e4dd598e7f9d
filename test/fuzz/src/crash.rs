//! Whose code a crash is in: under a storm of exceptions Lwt itself ends with SIGSEGV (`../lwt_alone.ml`), and that is no finding.

use std::ffi::{CStr, c_int, c_void};
use std::ptr::null_mut;

use ocaml_lwt_interop::func;

/// The exit status of a process that has crashed in Lwt's code.
const IN_LWT: c_int = 86;

/// From now on a crash in Lwt's OCaml code says so, and ends the process with a status of its own.
#[func(sync)]
pub fn tell_crashes_of_lwt() {
    // SAFETY: all zeros are a `sigaction`; the handler is one of three arguments, as SA_SIGINFO says, and does what is
    // async-signal-safe. OCaml has made the alternate stack that it runs on.
    let installed = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = crashed as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESETHAND;
        libc::sigaction(libc::SIGSEGV, &raw const action, null_mut())
    };
    assert_eq!(installed, 0);
}

extern "C" fn crashed(_signal: c_int, _info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel gives the context of the thread that has crashed, for as long as the handler runs. `dladdr` only reads the
    // tables of what is loaded, and nothing is being loaded in a storm.
    unsafe {
        let mut found: libc::Dl_info = std::mem::zeroed();
        let is_known = libc::dladdr(place(context.cast()), &raw mut found) != 0;
        if is_known && !found.dli_sname.is_null() {
            let name = CStr::from_ptr(found.dli_sname).to_bytes();
            if name.starts_with(b"camlLwt") {
                let line = b"in_lwt crashed\n";
                libc::write(1, line.as_ptr().cast(), line.len());
                libc::_exit(IN_LWT);
            }
        }
    }
    // The signal comes again, and has its default now.
}

/// Where the thread was.
///
/// # Safety
/// It is a context that the kernel gave to a handler.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
unsafe fn place(context: *const libc::ucontext_t) -> *const c_void {
    // SAFETY: by the caller's word
    let registers = unsafe { (*context).uc_mcontext.gregs };
    registers[libc::REG_RIP as usize] as *const c_void
}

/// Not known elsewhere: there such an end is a finding.
///
/// # Safety
/// As above.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
unsafe fn place(_context: *const libc::ucontext_t) -> *const c_void {
    std::ptr::null()
}
