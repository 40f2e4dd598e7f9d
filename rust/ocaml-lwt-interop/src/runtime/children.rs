//! Children of the process start with the signals blocked that the program blocks, and not with those that our threads
//! block.
//!
//! `posix_spawn` and `fork` give a child the mask of the thread that calls, and `exec` keeps it. Rust's library leaves it so
//! (1.85 to 1.95, `sys/process/unix/unix.rs`: `posix_spawnp`, or `fork` and `execvp`), and so do OCaml's (4.13 to 5.4,
//! `otherlibs/unix/spawn.c`: `posix_spawn`) and the C library's `system`.
//!
//! 1. `fork` has a handler in the child, see [`watch_forks`]: [`after_fork`].
//! 2. The other functions are defined here, as [`definitions`](super::definitions) says.
//! 3. On a thread whose mask is not ours they do nothing but call the C library's.
//!
//! Where there are no definitions a child begins with the mask of its thread.

use std::sync::Once;

use crate::{lock, signals, status};

/// In the child of a `fork`, on its only thread: async-signal-safe.
fn after_fork() {
    if let Some(mask) = signals::of_children() {
        signals::set(mask);
    }
}

/// Notices every `fork` from now on: since there are threads that a child has not. `exec` after it is fine: our descriptors
/// are close-on-exec.
pub(crate) fn watch_forks() {
    extern "C" fn in_child() {
        status::forked();
        lock::this_is_a_child();
        after_fork();
    }
    static WATCHING: Once = Once::new();
    // SAFETY: the handler is async-signal-safe: atomic stores, and this thread's mask
    WATCHING.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
}

/// Has the linker take this module's definitions, wherever it meets the library.
pub(super) fn link() {
    #[cfg(before_libc)]
    definitions::link();
}

#[cfg(before_libc)]
mod definitions {
    use std::ffi::{c_char, c_int, c_short, c_void};
    use std::mem::MaybeUninit;

    use libc::{pid_t, posix_spawn_file_actions_t, posix_spawnattr_t};

    use crate::runtime::definitions::{OfLibc, define};
    use crate::signals;

    define! {
        "posix_spawn" => posix_spawn,
        "posix_spawnp" => posix_spawnp,
        "pidfd_spawn" => pidfd_spawn,
        "pidfd_spawnp" => pidfd_spawnp,
        "execv" => execv,
        "execve" => execve,
        "execvp" => execvp,
        "execvpe" => execvpe,
        "system" => system,
    }

    // What `link` refers to, in the same object as the definitions.
    std::arch::global_asm!(
        ".pushsection .rodata.ocaml_lwt_interop_children,\"a\",@progbits",
        ".globl ocaml_lwt_interop_children",
        ".hidden ocaml_lwt_interop_children",
        "ocaml_lwt_interop_children:",
        ".byte 0",
        ".popsection",
    );

    unsafe extern "C" {
        static ocaml_lwt_interop_children: u8;
    }

    pub(super) fn link() {
        // SAFETY: the constant above; read so that the reference stays
        unsafe { std::ptr::read_volatile(&raw const ocaml_lwt_interop_children) };
        // Found now, and not in the child of a `fork`, which calls `exec`.
        for function in [&EXECV, &EXECVE, &EXECVP, &EXECVPE] {
            function.find();
        }
    }

    static POSIX_SPAWN: OfLibc = OfLibc::new(c"posix_spawn");
    static POSIX_SPAWNP: OfLibc = OfLibc::new(c"posix_spawnp");
    static PIDFD_SPAWN: OfLibc = OfLibc::new(c"pidfd_spawn");
    static PIDFD_SPAWNP: OfLibc = OfLibc::new(c"pidfd_spawnp");
    static EXECV: OfLibc = OfLibc::new(c"execv");
    static EXECVE: OfLibc = OfLibc::new(c"execve");
    static EXECVP: OfLibc = OfLibc::new(c"execvp");
    static EXECVPE: OfLibc = OfLibc::new(c"execvpe");
    static SYSTEM: OfLibc = OfLibc::new(c"system");

    type Strings = *const *mut c_char;

    /// A function of the family of `posix_spawn`.
    type Spawn = unsafe extern "C" fn(
        *mut pid_t,
        *const c_char,
        *const posix_spawn_file_actions_t,
        *const posix_spawnattr_t,
        Strings,
        Strings,
    ) -> c_int;

    macro_rules! spawn {
        ($($name:ident => $of_libc:ident,)*) => {
            $(
                unsafe extern "C" fn $name(
                    child: *mut pid_t,
                    program: *const c_char,
                    actions: *const posix_spawn_file_actions_t,
                    attributes: *const posix_spawnattr_t,
                    arguments: Strings,
                    environment: Strings,
                ) -> c_int {
                    // SAFETY: the type says what the function of that name is; null is `None`
                    let of_libc = unsafe {
                        std::mem::transmute::<*mut c_void, Option<Spawn>>($of_libc.find())
                    };
                    let Some(of_libc) = of_libc else {
                        return libc::ENOSYS;
                    };
                    // SAFETY: the caller's arguments, but for the attributes
                    unsafe {
                        with_mask(attributes, |attributes| {
                            of_libc(child, program, actions, attributes, arguments, environment)
                        })
                    }
                }
            )*
        };
    }

    spawn! {
        posix_spawn => POSIX_SPAWN,
        posix_spawnp => POSIX_SPAWNP,
        pidfd_spawn => PIDFD_SPAWN,
        pidfd_spawnp => PIDFD_SPAWNP,
    }

    /// Spawns with attributes that say which signals the child blocks, unless they do already. (Setting the mask of this
    /// thread meanwhile would let signals come to it.)
    ///
    /// # Safety
    /// `attributes` is null or initialised.
    unsafe fn with_mask(
        attributes: *const posix_spawnattr_t,
        spawn: impl FnOnce(*const posix_spawnattr_t) -> c_int,
    ) -> c_int {
        let Some(mask) = signals::of_children() else {
            return spawn(attributes);
        };
        let mut own = MaybeUninit::<posix_spawnattr_t>::uninit();
        let mut flags: c_short = 0;
        // SAFETY: initialised by one or the other. The caller's is a plain structure of values (glibc, `posix/spawn.h`), of
        // which `posix_spawnattr_destroy` frees nothing.
        unsafe {
            if attributes.is_null() {
                libc::posix_spawnattr_init(own.as_mut_ptr());
            } else {
                own.write(attributes.read());
                libc::posix_spawnattr_getflags(attributes, &mut flags);
            }
            let set_mask = libc::POSIX_SPAWN_SETSIGMASK as c_short;
            if flags & set_mask == 0 {
                libc::posix_spawnattr_setsigmask(own.as_mut_ptr(), mask);
                libc::posix_spawnattr_setflags(own.as_mut_ptr(), flags | set_mask);
            }
        }
        spawn(own.as_ptr())
    }

    /// Runs what replaces this process, or waits for a child, with the signals that the child is to block. Where that comes
    /// back the thread is as it was. `errno` is not touched.
    fn with_mask_of_child<R>(f: impl FnOnce() -> R) -> R {
        match signals::of_children() {
            None => f(),
            Some(mask) => {
                let before = signals::set(mask);
                let result = f();
                signals::set(&before);
                result
            }
        }
    }

    macro_rules! exec {
        ($($name:ident($($argument:ident: $type:ty),*) => $of_libc:ident,)*) => {
            $(
                unsafe extern "C" fn $name($($argument: $type),*) -> c_int {
                    // SAFETY: the type says what the function of that name is; null is `None`
                    let of_libc = unsafe {
                        std::mem::transmute::<
                            *mut c_void,
                            Option<unsafe extern "C" fn($($type),*) -> c_int>,
                        >($of_libc.find())
                    };
                    let Some(of_libc) = of_libc else {
                        // SAFETY: this thread's
                        unsafe { *libc::__errno_location() = libc::ENOSYS };
                        return -1;
                    };
                    // SAFETY: the caller's arguments
                    with_mask_of_child(|| unsafe { of_libc($($argument),*) })
                }
            )*
        };
    }

    exec! {
        execv(program: *const c_char, arguments: Strings) => EXECV,
        execve(program: *const c_char, arguments: Strings, environment: Strings) => EXECVE,
        execvp(program: *const c_char, arguments: Strings) => EXECVP,
        execvpe(program: *const c_char, arguments: Strings, environment: Strings) => EXECVPE,
        system(command: *const c_char) => SYSTEM,
    }
}
