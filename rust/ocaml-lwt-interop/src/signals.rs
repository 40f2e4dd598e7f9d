//! Signals are OCaml's: its handlers run on OCaml's threads, and a loop that sleeps in its engine wakes only when the signal
//! is delivered to its own thread. So the bridge's threads block them all, but for faults of their own.
//!
//! 1. A program that blocks a signal everywhere, to wait for it, never has it taken by a thread of ours.
//! 2. A thread that is started on one of our threads inherits the mask, so rule 1 holds for it, too. Such a mask is known by
//!    what it blocks, not by the thread that has it: [`of_children`].
//! 3. Children of the process do not inherit the mask, see `runtime/children.rs`. They begin with the signals blocked that
//!    the program blocked when it first used the bridge.

use std::mem::MaybeUninit;
use std::ptr::null;
use std::sync::OnceLock;

/// The signals that a thread blocks.
pub(crate) type Signals = libc::sigset_t;

/// What no thread blocks: they must still kill the process, or be the runtime's overflow of a stack.
const FAULTS: [libc::c_int; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGABRT,
    libc::SIGTRAP,
];

/// What the program blocked where it first used the bridge.
static PROGRAM: OnceLock<Signals> = OnceLock::new();

/// Notes what this thread blocks as what the program does, unless that is known.
pub(crate) fn note_those_of_the_program() {
    PROGRAM.get_or_init(of_this_thread);
}

/// Blocks all but faults on this thread.
pub(crate) fn block() {
    set(&all_but_faults());
}

/// Every signal but faults of the thread's own.
fn all_but_faults() -> Signals {
    // SAFETY: a set of one's own, initialised by `sigfillset`
    unsafe {
        let mut all = MaybeUninit::uninit();
        libc::sigfillset(all.as_mut_ptr());
        let mut all = all.assume_init();
        for fault in FAULTS {
            libc::sigdelset(&mut all, fault);
        }
        all
    }
}

/// What a child of this thread's is to block; `None`: what this thread does. In the child of a `fork` as well: takes no lock.
pub(crate) fn of_children() -> Option<&'static Signals> {
    let program = PROGRAM.get()?;
    is_ours(&of_this_thread()).then_some(program)
}

/// Whether a mask is ours, or was made of it by blocking or unblocking this and that. A program that blocks all it can blocks
/// faults, too; one that blocks what it uses does not block what nobody uses.
fn is_ours(mask: &Signals) -> bool {
    // SAFETY: an initialised set, and numbers of signals
    let blocks = |signal| unsafe { libc::sigismember(mask, signal) == 1 };
    let mut unused = [libc::SIGURG, libc::SIGWINCH, libc::SIGSYS]
        .into_iter()
        .chain(libc::SIGRTMIN()..=libc::SIGRTMAX());
    unused.all(blocks) && !FAULTS.into_iter().any(blocks)
}

pub(crate) fn of_this_thread() -> Signals {
    change(None)
}

/// Gives what was before.
pub(crate) fn set(mask: &Signals) -> Signals {
    change(Some(mask))
}

fn change(mask: Option<&Signals>) -> Signals {
    let mut before = MaybeUninit::uninit();
    let mask = mask.map_or(null(), |mask| &raw const *mask);
    // SAFETY: changes this thread's mask only, to an initialised set, or not at all; that before is filled in
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, mask, before.as_mut_ptr());
        before.assume_init()
    }
}
