//! A custom block that owns a Rust value, until the GC collects it.

use std::ffi::CStr;
use std::panic::AssertUnwindSafe;

use ocaml::sys;

use super::live::Live;
use super::lock::{Access, finalising};
use super::operations::Operations;
use super::value::{Raw, protect};

/// What a block owns.
pub(crate) trait Owned: Sized + 'static {
    /// What the runtime calls such blocks.
    const NAME: &'static CStr;

    /// The GC collected the block. Called from a finaliser, on whichever thread collects: must not touch the OCaml heap
    /// (`custom.h`). Should it panic, there is nobody to tell, and nothing unwinds into the GC.
    fn collected(self);
}

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

/// Allocates on the OCaml heap (`caml_alloc_custom`), runs no OCaml code. The GC is told that so many bytes outside of its heap go
/// with the block, and collects more often for that.
pub(crate) fn alloc<T: Owned>(access: Access<'_>, value: T, bytes: usize) -> ocaml::Value {
    const { assert!(align_of::<T>() <= align_of::<sys::Value>()) };
    let operations = (&raw const T::OPERATIONS.0).cast_mut();
    // SAFETY: the lock is held; the operations are static, and not written to; the value is written before anything can allocate,
    // so the finaliser never sees a block without one. Custom data is aligned to a word, and the value to no more.
    unsafe {
        let block = match bytes {
            0 => sys::caml_alloc_custom(operations, size_of::<T>(), 0, 1),
            bytes => sys::caml_alloc_custom_mem(operations, size_of::<T>(), bytes),
        };
        owned::<T>(block).write(value);
        protect(access, Raw(block))
    }
}

/// What a block has, if the value is one that owns a `T`.
#[inline]
pub(crate) fn owned_by<T: Owned>(live: Live<'_>) -> Option<&T> {
    let operations = live.operations()?;
    // The compiler may have made the constant more than once.
    let is_one = std::ptr::eq(operations, &raw const T::OPERATIONS.0) || has_name::<T>(live);
    // SAFETY: live, and made by `alloc` with a `T` in it, which is there until the finaliser runs
    is_one.then(|| unsafe { &*owned::<T>(live.raw().0) })
}

#[cold]
fn has_name<T: Owned>(live: Live<'_>) -> bool {
    live.is_called(&[T::NAME])
}

/// Where a block has what it owns. A collection may move it.
fn owned<T: Owned>(block: sys::Value) -> *mut T {
    // The data of a custom block begins after the pointer to its operations (`mlvalues.h`: Data_custom_val).
    (block as *mut sys::Value).wrapping_add(1).cast()
}

unsafe extern "C" fn finalize<T: Owned>(block: sys::Value) {
    // SAFETY: a block of ours, dead for everybody else; nothing in it needs to be dropped afterwards
    let value = unsafe { owned::<T>(block).read() };
    let collected = AssertUnwindSafe(|| value.collected());
    drop(finalising(|| std::panic::catch_unwind(collected)));
}
