//! What both halves count: at the end of a program everything that was made is gone, in its place.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering::SeqCst};

use ocaml_lwt_interop::domain_executor::DomainExecutor;
use ocaml_lwt_interop::func;

static MADE: AtomicIsize = AtomicIsize::new(0);
static DROPPED: AtomicIsize = AtomicIsize::new(0);
/// Of futures' at home.
static LEFT_AT_HOME: AtomicIsize = AtomicIsize::new(0);
static MISPLACED: AtomicIsize = AtomicIsize::new(0);
/// Panics of tasks that nobody waits for, of which OCaml's hook is to hear.
static UNHEARD: AtomicIsize = AtomicIsize::new(0);
static LIVE: AtomicIsize = AtomicIsize::new(0);

/// What a body holds.
#[derive(Debug)]
pub struct Probe {
    at_home: bool,
    is_of_object: bool,
}

impl Probe {
    pub fn new(at_home: bool) -> Probe {
        MADE.fetch_add(1, SeqCst);
        LEFT_AT_HOME.fetch_add(isize::from(at_home), SeqCst);
        Probe {
            at_home,
            is_of_object: false,
        }
    }

    /// An object's that goes at home, unless the process ends before.
    pub fn of_object() -> Probe {
        MADE.fetch_add(1, SeqCst);
        Probe {
            at_home: true,
            is_of_object: true,
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if self.at_home && DomainExecutor::current().is_none() {
            MISPLACED.fetch_add(1, SeqCst);
        }
        LEFT_AT_HOME.fetch_sub(isize::from(self.at_home && !self.is_of_object), SeqCst);
        DROPPED.fetch_add(1, SeqCst);
    }
}

pub fn nobody_hears() {
    UNHEARD.fetch_add(1, SeqCst);
}

/// Probes made, dropped, and dropped in another place than theirs; panics that nobody waits for.
#[func(sync)]
pub fn counts() -> (isize, isize, isize, isize) {
    (
        MADE.load(SeqCst),
        DROPPED.load(SeqCst),
        MISPLACED.load(SeqCst),
        UNHEARD.load(SeqCst),
    )
}

/// Bytes that Rust has allocated and not freed.
#[func(sync)]
pub fn live_bytes() -> isize {
    LIVE.load(SeqCst)
}

/// Says at the very end of the process, behind OCaml's own hooks, what futures of home's are left.
#[func(sync)]
pub fn check_at_exit() {
    static PROCESS: AtomicIsize = AtomicIsize::new(0);
    extern "C" fn check() {
        // Not in the child of a `fork`.
        if PROCESS.load(SeqCst) != std::process::id() as isize {
            return;
        }
        let left = LEFT_AT_HOME.load(SeqCst);
        if left > 0 {
            println!("problem {left} futures of home's are left at exit");
        }
        let misplaced = MISPLACED.load(SeqCst);
        if misplaced > 0 {
            println!("problem {misplaced} futures of home's were dropped in other places");
        }
        println!("exits");
    }
    if PROCESS.swap(std::process::id() as isize, SeqCst) == 0 {
        // SAFETY: a function that does not unwind, and that allocates and prints, which C's `exit` allows
        unsafe { libc::atexit(check) };
    }
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: the system's allocator, and a counter beside it
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, SeqCst);
        // SAFETY: as the caller's
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, SeqCst);
        // SAFETY: as the caller's
        unsafe { System.dealloc(pointer, layout) }
    }
}
