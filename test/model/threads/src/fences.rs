//! What a fence orders, which ThreadSanitizer does not know.
//!
//! Who drops a reference that is not the last one, to an `Arc` or to a task, counts it down with `Release`. Who drops the last one
//! has a fence with `Acquire` behind that, before the value is dropped. The standard library has a load there instead, where it is
//! compiled for ThreadSanitizer. Ours was not. So the linker has both come here (`--wrap`, see `scripts/sanitize.sh`): a fence loads,
//! with the order that it has, what this thread has counted down last.

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr::null;

unsafe extern "C" {
    fn __real___tsan_atomic64_fetch_sub(count: *mut u64, by: u64, order: c_int) -> u64;
    fn __real___tsan_atomic_thread_fence(order: c_int);
    fn __tsan_atomic64_load(place: *const u64, order: c_int) -> u64;
}

/// `memory_order_acquire`.
const ACQUIRE: c_int = 2;

std::thread_local! {
    static COUNTED_DOWN: Cell<*const u64> = const { Cell::new(null()) };
}

/// # Safety
/// As that of ThreadSanitizer's runtime: it is called for an atomic.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap___tsan_atomic64_fetch_sub(
    count: *mut u64,
    by: u64,
    order: c_int,
) -> u64 {
    // SAFETY: as this function's
    let before = unsafe { __real___tsan_atomic64_fetch_sub(count, by, order) };
    // Only who counted down to nothing may look at it again: others may free it.
    COUNTED_DOWN.set(if before == by { count } else { null() });
    before
}

/// # Safety
/// As that of ThreadSanitizer's runtime.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap___tsan_atomic_thread_fence(order: c_int) {
    let count = COUNTED_DOWN.replace(null());
    if order == ACQUIRE && !count.is_null() {
        // SAFETY: this thread has counted it down to nothing, and has not freed it: the fence comes first
        unsafe { __tsan_atomic64_load(count, order) };
    }
    // SAFETY: as this function's
    unsafe { __real___tsan_atomic_thread_fence(order) };
}
