//! A custom block that owns a Rust value, until the GC collects it.

use std::ffi::CStr;
use std::panic::AssertUnwindSafe;

use ocaml::sys;

use super::lock::{Access, finalising};
use super::value::{Raw, protect};

/// What a block owns.
pub(crate) trait Owned: Sized + 'static {
    /// What the runtime calls such blocks.
    const NAME: &'static CStr;

    /// The GC collected the block. Called from a finaliser, on whichever thread collects: must not touch the OCaml heap
    /// (`custom.h`). Should it panic, there is nobody to tell, and nothing unwinds into the GC.
    fn collected(self);
}

/// `custom_operations` holds pointers, so it is not `Sync` by itself.
struct Operations(sys::custom_operations);
// SAFETY: constant; the runtime reads it only
unsafe impl Sync for Operations {}

trait HasOperations: Owned {
    const OPERATIONS: &'static Operations = &Operations(sys::custom_operations {
        identifier: Self::NAME.as_ptr().cast(),
        finalize: Some(finalize::<Self>),
        compare: None,
        hash: None,
        serialize: None,
        deserialize: None,
        compare_ext: None,
        fixed_length: std::ptr::null(),
    });
}
impl<T: Owned> HasOperations for T {}

/// Allocates on the OCaml heap (`caml_alloc_custom`), runs no OCaml code.
pub(crate) fn alloc<T: Owned>(access: Access<'_>, value: T) -> ocaml::Value {
    const { assert!(align_of::<T>() <= align_of::<sys::Value>()) };
    // SAFETY: the lock is held; the operations are static; the value is written before anything can allocate, so
    // the finaliser never sees a block without one. Custom data is aligned to a word, and the value to no more.
    unsafe {
        let block = sys::caml_alloc_custom(&raw const T::OPERATIONS.0, size_of::<T>(), 0, 1);
        owned::<T>(block).write(value);
        protect(access, Raw(block))
    }
}

/// Where a live block has what it owns. A collection may move it.
pub(crate) fn owned<T: Owned>(block: sys::Value) -> *mut T {
    // The data of a custom block begins after the pointer to its operations (`mlvalues.h`: Data_custom_val).
    (block as *mut sys::Value).wrapping_add(1).cast()
}

unsafe extern "C" fn finalize<T: Owned>(block: sys::Value) {
    // SAFETY: a block of ours, dead for everybody else; nothing in it needs to be dropped afterwards
    let value = unsafe { owned::<T>(block).read() };
    let collected = AssertUnwindSafe(|| value.collected());
    drop(finalising(|| std::panic::catch_unwind(collected)));
}
