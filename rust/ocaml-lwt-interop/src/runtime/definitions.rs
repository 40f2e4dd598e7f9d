//! Functions of the C library's that are defined here, with the C library's behind them: what they do for threads of ours, or on
//! OCaml's stacks, has to be another thing.
//!
//! The definitions are hidden: what is linked together with this crate calls them, be it Rust's library, OCaml's in native
//! code, or C; no other program or shared library does, so not the libraries that OCaml's bytecode loads. They are weak: a
//! program that has its own keeps it.
//!
//! Where the C library is linked statically its own functions cannot be found behind these. So there are none with musl, nor
//! where Rust is told (`-C target-feature=+crt-static`). Where it is not told they fail with `ENOSYS`.

use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

/// Jumps from the name of a function to ours. Only assembly can say that a definition is weak and hidden.
macro_rules! define {
    ($($name:literal => $function:path,)*) => {
        $(
            #[cfg(target_arch = "x86_64")]
            define!(@ $name, "jmp {function}", $function);
            #[cfg(target_arch = "aarch64")]
            define!(@ $name, "b {function}", $function);
            #[cfg(target_arch = "riscv64")]
            define!(@ $name, "tail {function}", $function);
        )*
    };
    (@ $name:literal, $jump:literal, $function:path) => {
        std::arch::global_asm!(
            concat!(".pushsection .text.ocaml_lwt_interop_", $name, ",\"ax\",@progbits"),
            concat!(".weak ", $name),
            concat!(".hidden ", $name),
            concat!(".type ", $name, ",@function"),
            concat!($name, ":"),
            $jump,
            concat!(".size ", $name, ", .-", $name),
            ".popsection",
            function = sym $function,
        );
    };
}
pub(super) use define;

/// A function of the C library's, which the program would have called but for us.
pub(super) struct OfLibc(&'static CStr, AtomicPtr<c_void>);

impl OfLibc {
    pub(super) const fn new(name: &'static CStr) -> OfLibc {
        OfLibc(name, AtomicPtr::new(std::ptr::null_mut()))
    }

    /// Null where there is none.
    pub(super) fn find(&self) -> *mut c_void {
        let known = self.1.load(Ordering::Relaxed);
        if !known.is_null() {
            return known;
        }
        // SAFETY: looks a name up in what is loaded; ours are hidden
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, self.0.as_ptr()) };
        self.1.store(found, Ordering::Relaxed);
        found
    }
}
