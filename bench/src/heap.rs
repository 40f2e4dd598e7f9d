//! Counts what is alive on Rust's heap, and what was allocated, while it is told to; otherwise an allocation costs one
//! load more.

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};

use async_executor::{LocalExecutor, Task};
use ocaml_lwt_interop::tokio_rt;

static COUNTING: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicIsize = AtomicIsize::new(0);
static ALLOCATIONS: AtomicIsize = AtomicIsize::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize, allocations: isize) {
    if COUNTING.load(Ordering::Relaxed) {
        LIVE.fetch_add(bytes, Ordering::Relaxed);
        ALLOCATIONS.fetch_add(allocations, Ordering::Relaxed);
    }
}

// SAFETY: the system's allocator does it all
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize, 1);
        // SAFETY: as the caller's
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize, 1);
        // SAFETY: as the caller's
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize, 1);
        // SAFETY: as the caller's
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as isize), 0);
        // SAFETY: as the caller's
        unsafe { System.dealloc(block, layout) }
    }
}

#[ocaml::func]
pub fn bench_count_heap(on: bool) {
    LIVE.store(0, Ordering::Relaxed);
    ALLOCATIONS.store(0, Ordering::Relaxed);
    COUNTING.store(on, Ordering::Relaxed);
}

/// By how many bytes the heap has grown since counting began.
#[ocaml::func]
pub fn bench_heap() -> isize {
    LIVE.load(Ordering::Relaxed)
}

/// How often something was allocated since counting began.
#[ocaml::func]
pub fn bench_allocations() -> isize {
    ALLOCATIONS.load(Ordering::Relaxed)
}

// What a pending task costs in Rust alone.

static ON_TOKIO: Mutex<Vec<tokio::task::JoinHandle<()>>> = Mutex::new(Vec::new());

#[ocaml::func]
pub fn bench_alone_tokio_pending() {
    let task = tokio_rt().spawn(pending());
    ON_TOKIO.lock().expect("nothing panics under it").push(task);
}

/// Drops the tasks of [`bench_alone_tokio_pending`], and waits until they are gone.
#[ocaml::func]
pub fn bench_alone_tokio_drop() {
    let tasks = std::mem::take(&mut *ON_TOKIO.lock().expect("nothing panics under it"));
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    tokio_rt().block_on(async {
        for task in tasks {
            task.await.expect_err("it was aborted");
        }
    });
}

thread_local! {
    static EXECUTOR: std::cell::RefCell<(LocalExecutor<'static>, Vec<Task<()>>)> =
        const { std::cell::RefCell::new((LocalExecutor::new(), Vec::new())) };
}

#[ocaml::func]
pub fn bench_alone_executor_pending() {
    EXECUTOR.with_borrow_mut(|(executor, tasks)| {
        tasks.push(executor.spawn(pending()));
        executor.try_tick();
    });
}

#[ocaml::func]
pub fn bench_alone_executor_drop() {
    EXECUTOR.with_borrow_mut(|(executor, tasks)| {
        *tasks = Vec::new();
        while executor.try_tick() {}
    });
}
