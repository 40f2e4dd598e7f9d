//! Bigarrays of Rust's memory.
//!
//! Each is one as for a mapped file: with those flags the runtime counts the arrays that share it, and leaves freeing to the
//! operations of the block, which it copies to each (`caml_ba_sub` and its like). Its proxy is made with it, and is a part of
//! what owns the memory. The finaliser of the last array frees it.

use std::ffi::{c_int, c_void};
use std::panic::AssertUnwindSafe;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicIsize, Ordering};

use ocaml::sys;

use super::bigarray::{Array, Kind, MAPPED_FILE, Proxy, array_of};
use super::live::Live;
use super::lock::{Access, finalising};
use super::operations::Operations;
use super::value::{Raw, protect};

/// What owns the memory of such an array.
#[repr(C)]
struct Owner<T> {
    /// First, so that a pointer to it is one to the owner.
    proxy: Proxy,
    free: unsafe fn(*mut Proxy),
    elements: Vec<T>,
}

/// Of an owner, whatever it owns.
#[repr(C)]
struct AnyOwner {
    proxy: Proxy,
    free: unsafe fn(*mut Proxy),
}

unsafe fn free<T>(owner: *mut Proxy) {
    // SAFETY: made by `of_vec`, for this type, and nobody else has it
    drop(unsafe { Box::from_raw(owner.cast::<Owner<T>>()) });
}

/// As those of the runtime's own, but for the finaliser. What is marshalled comes back as one of those.
static OPERATIONS: Operations = Operations(sys::custom_operations {
    identifier: c"_bigarr02".as_ptr().cast(),
    finalize: Some(finalize),
    compare: Some(caml_ba_compare),
    hash: Some(caml_ba_hash),
    serialize: Some(caml_ba_serialize),
    deserialize: Some(caml_ba_deserialize),
    compare_ext: None,
    fixed_length: std::ptr::null(),
});

unsafe extern "C" {
    fn caml_ba_compare(v1: sys::Value, v2: sys::Value) -> c_int;
    fn caml_ba_hash(v: sys::Value) -> isize;
    fn caml_ba_serialize(v: sys::Value, bsize_32: *mut usize, bsize_64: *mut usize);
    fn caml_ba_deserialize(dst: *mut c_void) -> usize;
}

/// Whether a Bigarray is such a one. No allocation.
pub(super) fn is_one(array: Live<'_>) -> bool {
    array.operations() == Some(&raw const OPERATIONS.0)
}

/// An array of a vector's elements, which are not copied, of C layout. Allocates on the OCaml heap, which is told of their size;
/// runs no OCaml code (`caml_alloc_custom_mem`).
///
/// # Safety
/// `T` is what the kind says, and has no destructor. There are as many elements as the dimensions say.
pub(crate) unsafe fn of_vec<T: Copy>(
    access: Access<'_>,
    kind: Kind,
    dims: &[usize],
    elements: Vec<T>,
) -> ocaml::Value {
    let bytes = elements.capacity() * size_of::<T>();
    let mut owner = Box::new(Owner {
        proxy: Proxy {
            count: AtomicIsize::new(1),
            data: null_mut(),
            size: bytes,
        },
        free: free::<T>,
        elements,
    });
    owner.proxy.data = owner.elements.as_mut_ptr().cast();
    let data = owner.proxy.data;
    // SAFETY: the lock is held; all fields are written before anything can allocate, so that the finaliser never sees a block
    // without them; the runtime does not write to operations
    unsafe {
        let size = size_of::<Array>() + size_of_val(dims);
        let operations = (&raw const OPERATIONS.0).cast_mut();
        let block = Raw(sys::caml_alloc_custom_mem(operations, size, bytes));
        let array = array_of(block);
        (*array).data = data;
        (*array).num_dims = dims.len() as isize;
        (*array).flags = kind as isize | MAPPED_FILE;
        (*array).proxy = Box::into_raw(owner).cast();
        let place = (&raw mut (*array).dims).cast::<usize>();
        std::ptr::copy_nonoverlapping(dims.as_ptr(), place, dims.len());
        protect(access, block)
    }
}

/// One of the arrays that share the memory is gone.
unsafe extern "C" fn finalize(block: sys::Value) {
    // SAFETY: a block of these operations, made by `of_vec`, or by the runtime of such a one: so it counts in its owner's proxy
    unsafe {
        let proxy = (*array_of(Raw(block))).proxy;
        if (*proxy).count.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        let free = (*proxy.cast::<AnyOwner>()).free;
        let free = AssertUnwindSafe(|| free(proxy));
        drop(finalising(|| std::panic::catch_unwind(free)));
    }
}
