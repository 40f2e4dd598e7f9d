//! Guests: threads that OCaml did not make, registered with its runtime for as long as they run OCaml code.
//!
//! What the runtime does (`otherlibs/systhreads/st_stubs.c`, OCaml 4.13 to 5.4):
//!
//! 1. `caml_c_thread_register` waits for the runtime lock, and returns without it. `caml_c_thread_unregister` is called
//!    without it, and waits for it. On OCaml 5 the thread belongs to the domain 0, which is the main one.
//! 2. On OCaml 4 registering gives the lock back with `caml_enter_blocking_section`, which runs signal handlers; an
//!    exception of theirs would end the process, since there is no OCaml code on the stack to take it. No handler runs on
//!    a thread that blocks its signal (`signals.c`), so a guest blocks them all but while it is in OCaml code.
//! 3. There it has the signals of the thread that runs Lwt: children that OCaml code starts inherit them, and on OCaml 4
//!    the runtime takes the lock from a thread that computes by way of one of them, `SIGVTALRM`.
//! 4. On OCaml 4 a stack overflow is found by a handler of `SIGSEGV`, for which the thread must have a stack of its own.
//!    On OCaml 5 the runtime sees to that.
//! 5. `Thread.yield` gives the lock to a thread that waits for it, and waits for its turn behind it (`st_posix.h`,
//!    `st_thread_yield`); releasing it and taking it at once, as a blocking section does, mostly gives it to nobody.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

use ocaml::sys;

use super::{CallResult, Callback, Callbacks, Raw, call, caml_enter_blocking_section_no_pending};

/// How many guests are at work: one of them may be waiting for the lock. (A guest gives it back and takes it again inside
/// of OCaml's own functions, where nobody could count.)
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// Whether a guest may be waiting for the runtime lock.
#[inline]
pub(crate) fn guests_at_work() -> bool {
    AT_WORK.load(Ordering::Relaxed) > 0
}

// The runtime's two functions are in the library of threads. A program that is linked without that is without them, and
// links all the same: the references are weak, which only assembly can say. Where bytecode loads Rust before the library of
// threads they are null for ever, and whether that has been loaded is asked then.
std::arch::global_asm!(
    ".weak caml_c_thread_register",
    ".weak caml_c_thread_unregister",
    ".pushsection .data.rel.ro.ocaml_lwt_interop_threads,\"aw\",@progbits",
    ".balign 8",
    ".globl ocaml_lwt_interop_threads",
    ".hidden ocaml_lwt_interop_threads",
    "ocaml_lwt_interop_threads:",
    ".quad caml_c_thread_register",
    ".quad caml_c_thread_unregister",
    ".popsection",
);

/// A function of the runtime's; not there in a program without threads.
type OfThreads = Option<unsafe extern "C" fn() -> std::ffi::c_int>;

unsafe extern "C" {
    /// `caml_c_thread_register` and `caml_c_thread_unregister`.
    static ocaml_lwt_interop_threads: [OfThreads; 2];
}

/// `caml_c_thread_register` and `caml_c_thread_unregister`; `None` in a program without threads.
fn threads() -> Option<[unsafe extern "C" fn() -> std::ffi::c_int; 2]> {
    // SAFETY: a constant of two pointers
    if let [Some(register), Some(unregister)] = unsafe { ocaml_lwt_interop_threads } {
        return Some([register, unregister]);
    }
    let find = |name: &std::ffi::CStr| {
        // SAFETY: looks a name up in what is loaded
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        // SAFETY: the type says what the function of that name is, in all versions; null is `None`
        unsafe { std::mem::transmute::<*mut std::ffi::c_void, OfThreads>(found) }
    };
    Some([
        find(c"caml_c_thread_register")?,
        find(c"caml_c_thread_unregister")?,
    ])
}

/// Why there was no guest.
pub(crate) enum Refused {
    /// There is no library of threads in the program.
    NoThreads,
    /// There is no memory, or somebody else has registered this thread.
    NotTaken,
}

/// Proof that this thread is a guest and holds the runtime lock.
pub(crate) struct Guest {
    not_send: PhantomData<*const ()>,
    signals: Signals,
}

impl Guest {
    /// Applies an OCaml function to arguments; see [`call`].
    ///
    /// # Safety
    /// `f` is a live function, `arguments` are live and of its types. Runs OCaml code; does not raise. The result is not
    /// rooted.
    pub(crate) unsafe fn call(&self, f: Raw, arguments: &mut [Raw]) -> CallResult {
        let _in_ocaml = self.signals.set();
        // SAFETY: a guest holds the lock, on a thread that runs OCaml code; the rest is the caller's word
        unsafe { call(f, arguments) }
    }

    /// Calls a function of the bridge; no signal handler runs in it.
    ///
    /// # Safety
    /// `arguments` are live and of the types that the callback takes. Runs OCaml code; does not raise. The result is not
    /// rooted.
    pub(crate) unsafe fn call_back(
        &self,
        callbacks: &Callbacks,
        callback: Callback,
        arguments: &mut [Raw],
    ) -> CallResult {
        // SAFETY: as above
        unsafe { callbacks.call(callback, arguments) }
    }
}

/// Runs `f` on this thread as a guest, with `signals` in OCaml code, unless the runtime does not take this thread.
///
/// Called without the runtime lock, on a thread that is not OCaml's; waits for the lock, three times. `f` is called with
/// the lock held, and may do all but raise.
pub(crate) fn as_guest<R>(signals: Signals, f: impl FnOnce(&Guest) -> R) -> Result<R, Refused> {
    struct AtWork;
    impl Drop for AtWork {
        fn drop(&mut self) {
            AT_WORK.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let [register, unregister] = threads().ok_or(Refused::NoThreads)?;
    AT_WORK.fetch_add(1, Ordering::Relaxed);
    let _at_work = AtWork;
    let _blocked = Signals::All.set();
    let _stack = SignalStack::new();
    // SAFETY: rule 1; this thread does not hold the lock
    if unsafe { register() } == 0 {
        return Err(Refused::NotTaken);
    }
    // SAFETY: registered, and without the lock. Taking it runs no handlers.
    unsafe { sys::caml_leave_blocking_section() };
    let _registered = Registered(unregister);
    Ok(f(&Guest {
        not_send: PhantomData,
        signals,
    }))
}

/// A registered thread that holds the lock, until this is dropped.
struct Registered(unsafe extern "C" fn() -> std::ffi::c_int);

impl Drop for Registered {
    fn drop(&mut self) {
        // SAFETY: the lock is held, and given back without running handlers; rule 1
        unsafe {
            caml_enter_blocking_section_no_pending();
            (self.0)();
        }
    }
}

/// The signals that a thread blocks.
#[derive(Clone, Copy)]
pub(crate) enum Signals {
    /// Every one but faults of the thread's own, which must still kill the process, or be the runtime's overflow of a
    /// stack.
    All,
    /// Those of another thread.
    Of(libc::sigset_t),
}

impl Signals {
    /// Those of this thread.
    pub(crate) fn of_this_thread() -> Signals {
        let mut set = MaybeUninit::uninit();
        // SAFETY: changes nothing, and fills in the set
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), set.as_mut_ptr());
            Signals::Of(set.assume_init())
        }
    }

    /// Blocks them on this thread, and no others, until what is returned is dropped.
    fn set(self) -> impl Drop {
        struct Before(libc::sigset_t);
        impl Drop for Before {
            fn drop(&mut self) {
                // SAFETY: a set that `pthread_sigmask` gave
                unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, null_mut()) };
            }
        }
        let set = match self {
            Signals::All => crate::runtime::signals::all_but_faults(),
            Signals::Of(set) => set,
        };
        let mut before = MaybeUninit::uninit();
        // SAFETY: an initialised set; the one before is filled in
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &set, before.as_mut_ptr());
            Before(before.assume_init())
        }
    }
}

/// A stack for signal handlers, rule 4; the one before is put back when it is dropped.
struct SignalStack {
    before: libc::stack_t,
    _memory: Box<[MaybeUninit<u8>]>,
}

impl SignalStack {
    /// What the runtime takes on OCaml 5 is `SIGSTKSZ`, which AVX-512 may outgrow.
    const SIZE: usize = 64 * 1024;

    fn new() -> Self {
        let mut memory = Box::new_uninit_slice(Self::SIZE);
        let mut before = MaybeUninit::uninit();
        let stack = libc::stack_t {
            ss_sp: memory.as_mut_ptr().cast(),
            ss_flags: 0,
            ss_size: Self::SIZE,
        };
        // SAFETY: the memory is this thread's until the stack before is put back. It is not on a signal stack now, so the
        // call does not fail.
        unsafe {
            libc::sigaltstack(&stack, before.as_mut_ptr());
            SignalStack {
                before: before.assume_init(),
                _memory: memory,
            }
        }
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        // SAFETY: what the thread had before; no handler runs now
        unsafe { libc::sigaltstack(&self.before, null_mut()) };
    }
}
