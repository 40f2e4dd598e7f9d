//! Signal handlers of Rust's libraries run on a stack of their own, on OCaml 5.
//!
//! There OCaml code runs on small stacks (fibers). The kernel writes the frame of a signal handler onto the stack that runs,
//! unless the handler asks for the thread's signal stack (`SA_ONSTACK`). OCaml 5 gives each of its threads such a stack
//! (`caml_init_nat_signals`: `signals_nat.c`, 5.3 and 5.4). OCaml's own handlers ask for it. Tokio's (signal-hook-registry
//! 1.4) do not. So `sigaction` is defined here, see [`definitions`](super::definitions), and adds the flag. On a thread
//! without a signal stack the flag changes nothing.

#[cfg(before_libc)]
mod definition {
    use std::ffi::{c_int, c_void};

    use crate::runtime::definitions::{OfLibc, define};

    define! {
        "sigaction" => sigaction,
    }

    static SIGACTION: OfLibc = OfLibc::new(c"sigaction");

    type Sigaction =
        unsafe extern "C" fn(c_int, *const libc::sigaction, *mut libc::sigaction) -> c_int;

    /// Async-signal-safe once the function behind it was found, which the runtime's first handler sees to.
    unsafe extern "C" fn sigaction(
        signal: c_int,
        new: *const libc::sigaction,
        old: *mut libc::sigaction,
    ) -> c_int {
        // SAFETY: the type says what the function of that name is; null is `None`
        let of_libc =
            unsafe { std::mem::transmute::<*mut c_void, Option<Sigaction>>(SIGACTION.find()) };
        let Some(of_libc) = of_libc else {
            // SAFETY: this thread's
            unsafe { *libc::__errno_location() = libc::ENOSYS };
            return -1;
        };
        // SAFETY: null, or what the caller wants done
        let mut wanted = unsafe { new.as_ref() }.copied();
        if let Some(wanted) = &mut wanted {
            if cfg!(ocaml_5) && ![libc::SIG_DFL, libc::SIG_IGN].contains(&wanted.sa_sigaction) {
                wanted.sa_flags |= libc::SA_ONSTACK;
            }
        }
        let new = wanted
            .as_ref()
            .map_or(std::ptr::null(), |wanted| &raw const *wanted);
        // SAFETY: the caller's arguments, but for the flag
        unsafe { of_libc(signal, new, old) }
    }
}
