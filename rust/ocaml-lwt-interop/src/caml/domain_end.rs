//! Domains that end, and the roots that were made there (OCaml 5).
//!
//! boxroot keeps roots in pools of the domain that made them. It gives the pools of a domain that ends to the first domain
//! that scans roots after that (boxroot 0.4, `orphan_pools`, `adopt_orphaned_pools`). This first domain is mostly the one
//! that ends: it collects once more after boxroot's hook was called (`domain_terminate` calls `caml_domain_terminated_hook`,
//! then `caml_empty_minor_heaps_once`; `domain.c`, 5.3 and 5.4). So it takes its own pools back, takes part in no later
//! collection, and what they root is freed. Hence a domain that has announced its end does not scan them. Another domain
//! does, in that very collection.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::lock::Access;

thread_local! {
    /// This thread's domain has announced its end.
    static ENDING: Cell<bool> = const { Cell::new(false) };
}

/// `scan_roots_hook` of OCaml 5: an action, flags, its data, the state of a domain.
type ScanRoots = unsafe extern "C" fn(*mut c_void, i32, *mut c_void, *mut c_void);
/// `caml_timing_hook`
type Timing = unsafe extern "C" fn();

unsafe extern "C" {
    /// `caml_domain_terminated_hook`: atomic (`domain.h`).
    static caml_domain_terminated_hook: AtomicPtr<c_void>;
    /// `caml_scan_roots_hook`: atomic (`roots.h`).
    static caml_scan_roots_hook: AtomicPtr<c_void>;
}

/// The hooks that were there before ours.
struct Before {
    scan: *mut c_void,
    terminated: *mut c_void,
    /// What scanned before boxroot did; null when that is not known.
    scan_without_boxroot: *mut c_void,
}

// SAFETY: addresses of functions, or null
unsafe impl Send for Before {}
// SAFETY: as above
unsafe impl Sync for Before {}

static BEFORE: OnceLock<Before> = OnceLock::new();

/// Sets boxroot up with `setup`, and prevents the mistake that the head of this file describes.
/// No allocation on the OCaml heap.
pub(super) fn watch(_access: Access<'_>, setup: impl FnOnce() -> bool) -> bool {
    // SAFETY: hooks of the runtime's, declared as OCaml 5 declares them
    let (scan_hook, terminated_hook) =
        unsafe { (&caml_scan_roots_hook, &caml_domain_terminated_hook) };
    let first = scan_hook.load(Ordering::Relaxed);
    if !setup() {
        return false;
    }
    // Collections stop all domains, and this one runs: no hook is called meanwhile.
    BEFORE.get_or_init(|| {
        let scan = scan_hook.load(Ordering::Relaxed);
        Before {
            scan,
            terminated: terminated_hook.swap(terminated as *mut c_void, Ordering::AcqRel),
            scan_without_boxroot: if first == scan {
                std::ptr::null_mut()
            } else {
                first
            },
        }
    });
    scan_hook.store(scan_roots as *mut c_void, Ordering::Release);
    true
}

unsafe extern "C" fn terminated() {
    let terminated = BEFORE.get().map(|before| before.terminated);
    if let Some(terminated) = terminated.filter(|hook| !hook.is_null()) {
        // SAFETY: the hook that was there, which is of this type
        unsafe { std::mem::transmute::<*mut c_void, Timing>(terminated)() };
    }
    ENDING.set(true);
}

unsafe extern "C" fn scan_roots(
    action: *mut c_void,
    flags: i32,
    data: *mut c_void,
    domain: *mut c_void,
) {
    let Some(before) = BEFORE.get() else { return };
    let hook = if ENDING.get() {
        before.scan_without_boxroot
    } else {
        before.scan
    };
    if !hook.is_null() {
        // SAFETY: the hook that was there, which is of this type; the arguments are the runtime's
        unsafe { std::mem::transmute::<*mut c_void, ScanRoots>(hook)(action, flags, data, domain) };
    }
}
