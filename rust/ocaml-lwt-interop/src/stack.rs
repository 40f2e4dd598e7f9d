//! How much of this thread's stack is left.
//!
//! If the stack ends while C or Rust code runs, the process ends: OCaml's runtime makes `Stack_overflow` of a fault only in
//! OCaml code (`segv_handler`: `signals_nat.c`, OCaml 4.13 to 5.4). So every call that comes from OCaml asks [`check`]
//! first, and so does code that goes down into a value. It refuses before it has begun anything.
//!
//! 1. What counts is the stack of the thread, where C and Rust run. On OCaml 4, OCaml's native code runs there as well. On
//!    OCaml 5 it has stacks of its own (fibers), and checks their ends itself. But a call of the bridge that met such an end
//!    half way would have to be left there. So a call begins only where there is [`OCAML_RESERVE`].
//! 2. Code that passes [`check`] has [`RESERVE`] at least, or a quarter of a small stack. That has to do for all that runs
//!    until the next check: conversions, a poll, a panic with its backtrace, the functions of the bridge in OCaml.
//! 3. Code that is refused has a page left, which is enough to put something off. OCaml 4 calls no C function with less
//!    (`STACK_PROBE_SIZE`, `amd64.S`). On OCaml 5, and in bytecode, only C and Rust use this stack.
//! 4. A tick is not part of what the code further down the stack asked for. So it does not begin where [`is_deep`] says so:
//!    it would fail for want of stack, and only because of that recursion.
//! 5. Code on a stack that is not the thread's own (a coroutine's) is not refused: nobody knows where such a stack ends.

use std::cell::Cell;
use std::fmt;

/// What is left at least for a function that OCaml calls.
const RESERVE: usize = 256 << 10;

/// What is left at least of OCaml 5's own stack, and of bytecode's, before the limit that `OCAMLRUNPARAM=l` sets: for the bridge's functions in
/// OCaml, and Lwt's that they call.
pub(crate) const OCAML_RESERVE: usize = 128 << 10;

/// The main thread's stack may be without a limit, which would be the memory of the machine; and OCaml 4 goes through all of
/// it in each minor collection.
const MOST: usize = 256 << 20;

/// Not enough of the stack is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too little is left of this thread's stack")
    }
}

thread_local! {
    /// The lowest address that [`check`] lets pass. At first the highest there is: nobody has looked yet.
    static LIMIT: Cell<usize> = const { Cell::new(usize::MAX) };
    /// The same for [`is_deep`].
    static HALF: Cell<usize> = const { Cell::new(usize::MAX) };
    /// The lowest address of the stack.
    static LOWEST: Cell<usize> = const { Cell::new(0) };
}

/// Whether the callers' reserve is left: rule 2. A comparison with a thread-local. From any thread.
#[inline]
pub fn check() -> Result<(), Overflow> {
    let here = here();
    if here > LIMIT.get() {
        return Ok(());
    }
    compare(here, &LIMIT)
}

/// Whether less than half of the stack is left: rule 4.
#[inline]
pub(crate) fn is_deep() -> bool {
    let here = here();
    here <= HALF.get() && compare(here, &HALF).is_err()
}

/// An address in the frame of the caller, or near.
#[inline(always)]
fn here() -> usize {
    let here = 0u8;
    std::hint::black_box(&raw const here).addr()
}

#[cold]
#[inline(never)]
fn compare(
    here: usize,
    limit: &'static std::thread::LocalKey<Cell<usize>>,
) -> Result<(), Overflow> {
    if limit.get() == usize::MAX {
        let Some(stack) = bounds::of_this_thread() else {
            return Ok(());
        };
        let size = stack.highest - stack.lowest;
        LOWEST.set(stack.lowest);
        HALF.set(stack.lowest + size / 2);
        LIMIT.set(stack.lowest + RESERVE.min(size / 4));
    }
    // Rule 5.
    if here > limit.get() || here < LOWEST.get() {
        Ok(())
    } else {
        Err(Overflow)
    }
}

/// Where a thread's stack ends.
struct Bounds {
    lowest: usize,
    highest: usize,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod bounds {
    use std::mem::MaybeUninit;

    use super::{Bounds, MOST};

    /// The kernel lets the main thread's stack grow no nearer than this to another mapping (`stack_guard_gap`).
    const GAP: usize = 1 << 20;

    /// `None`: nobody could tell.
    pub(super) fn of_this_thread() -> Option<Bounds> {
        // SAFETY: neither has preconditions
        if unsafe { libc::gettid() != libc::getpid() } {
            return of_thread();
        }
        // musl tells how far the stack of the main thread has grown, not how far it may; and glibc needs `/proc`.
        let known = of_thread().filter(|_| !cfg!(target_env = "musl"));
        // SAFETY: no preconditions
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        match (of_main(page), known) {
            // A limit that was raised when the program had started: other mappings are in the way.
            (Some(limit), Some(known)) if known.lowest > limit.lowest + page => Some(Bounds {
                lowest: known.lowest + GAP,
                ..limit
            }),
            (limit, known) => limit.or(known),
        }
    }

    /// What the C library tells.
    fn of_thread() -> Option<Bounds> {
        let mut attributes = MaybeUninit::uninit();
        let (mut lowest, mut size, mut guard) = (std::ptr::null_mut(), 0, 0);
        // SAFETY: filled in by the first call when that succeeds, then read, and destroyed once
        unsafe {
            if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
                return None;
            }
            libc::pthread_attr_getstack(attributes.as_ptr(), &mut lowest, &mut size);
            libc::pthread_attr_getguardsize(attributes.as_ptr(), &mut guard);
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
        }
        // glibc counted the guard as a part of the stack until 2.26.
        Some(Bounds {
            lowest: lowest.addr() + guard,
            highest: lowest.addr() + size,
        })
    }

    /// What the kernel tells of the main thread: the name of the program stands at the end of its stack (`AT_EXECFN`), which
    /// grows to its limit.
    fn of_main(page: usize) -> Option<Bounds> {
        let mut limit = MaybeUninit::<libc::rlimit>::uninit();
        // SAFETY: no preconditions; the limit is filled in when the call succeeds
        let (name, limit) = unsafe {
            let name = libc::getauxval(libc::AT_EXECFN) as usize;
            if name == 0 || libc::getrlimit(libc::RLIMIT_STACK, limit.as_mut_ptr()) != 0 {
                return None;
            }
            (name, limit.assume_init().rlim_cur)
        };
        let highest = name.next_multiple_of(page);
        let size = usize::try_from(limit).map_or(MOST, |limit| limit.min(MOST));
        Some(Bounds {
            lowest: highest.saturating_sub(size),
            highest,
        })
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod bounds {
    /// Nobody has looked how.
    pub(super) fn of_this_thread() -> Option<super::Bounds> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls itself until the check refuses, and uses what it leaves there; gives how much was left.
    #[inline(never)]
    fn descend(reserve: usize) -> usize {
        let frame = std::hint::black_box([0u8; 512]);
        let left = match check() {
            Ok(()) => descend(reserve),
            Err(Overflow) => {
                touch_until(here() - reserve + reserve / 4);
                here() - LOWEST.get()
            }
        };
        std::hint::black_box(frame);
        left
    }

    /// Descends below that address.
    #[inline(never)]
    fn touch_until(address: usize) {
        let frame = std::hint::black_box([1u8; 128]);
        if here() > address {
            touch_until(address);
        }
        std::hint::black_box(frame);
    }

    /// On a thread with a stack so large, or larger: the check leaves so much at least, and it can be used.
    fn leaves(size: usize, reserve: usize) {
        let thread = std::thread::Builder::new().stack_size(size);
        let left = thread.spawn(move || descend(reserve)).unwrap();
        let left = left.join().unwrap();
        // But for the frames between here and the check.
        assert!(left > reserve - 2048, "{left} of {reserve}");
        assert!(left < RESERVE + 2048, "{left}");
    }

    #[test]
    fn what_a_check_leaves_is_there() {
        leaves(8 << 20, RESERVE);
        leaves(2 << 20, RESERVE);
    }

    #[test]
    fn a_small_stack_keeps_a_quarter() {
        leaves(512 << 10, 128 << 10);
        leaves(128 << 10, 32 << 10);
    }
}
