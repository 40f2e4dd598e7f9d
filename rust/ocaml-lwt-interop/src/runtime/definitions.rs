//! Functions of the C library that are defined here, because they have to do something else on our threads, or on OCaml's
//! stacks. They call the C library's own functions.
//!
//! The definitions are hidden. Code that is linked together with this crate calls them: Rust's library, C code, and OCaml's
//! library in native code. No other program or shared library calls them, and so not the libraries that OCaml's bytecode
//! loads. They are weak: a program that has a definition of its own keeps it.
//!
//! Where the C library is linked statically, its own functions cannot be found behind ours. So there are no definitions with
//! musl, nor where Rust knows that it links statically (`-C target-feature=+crt-static`). Where Rust does not know, they
//! fail with `ENOSYS`.

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
