//! Bigarrays: lent to Rust, and made of Rust's memory.
//!
//! A Bigarray is a custom block with a pointer to its elements, which lie outside of OCaml's heap: the GC moves the block, and
//! never them (`caml/bigarray.h`, the same from 4.13 to 5.4).
//!
//! 1. A lent array has the length 0 in every dimension, so that all bounds checks fail, those of compiled code too, and what is
//!    made of it (`sub`, `slice`, `reshape`, …) is empty. A mark in its flags tells it from an array without elements. The runtime
//!    masks the flags wherever it reads them, and copies them to what it makes of an array (`runtime/bigarray.c`).
//! 2. An array is lent if nobody else has its memory: it is OCaml's own, or what rule 4 makes, and no other array shares it. The
//!    runtime counts those that do in a proxy, also the dead ones, until they are collected.
//! 3. What is lent has a root, so that it is there when it is restored: by whoever has access and drops the loan; else it waits
//!    in a stack, until somebody has access. So no thread of Rust's ever waits for OCaml.
//! 4. An array of Rust's memory is one as for a mapped file: with those flags the runtime counts the arrays that share it, and
//!    leaves freeing to the operations of the block, which it copies to each (`caml_ba_sub` and its like). Its proxy is made with
//!    it, and is a part of what owns the memory. The finaliser of the last array frees it.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::AssertUnwindSafe;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicIsize, AtomicPtr, Ordering};

use ocaml::sys;

use super::lock::{Access, finalising};
use super::root::Root;
use super::value::{Raw, is_immediate, protect, tag};

/// `CAML_BA_MAX_NUM_DIMS`
pub(crate) const MOST_DIMS: usize = 16;

// Parts of `flags`.
const KIND: isize = 0xff;
const FORTRAN_LAYOUT: isize = 0x100;
const MANAGED: isize = 0x200;
const MAPPED_FILE: isize = 0x400;
const OWNER: isize = 0x600;
/// Ours: not in use by any version. It fits into an `int`, as which the runtime passes flags on.
const LENT: isize = 1 << 30;

/// What the elements are; the numbers are the runtime's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(isize)]
#[allow(missing_docs)]
pub enum Kind {
    Float32 = 0,
    Float64 = 1,
    Int8Signed = 2,
    Int8Unsigned = 3,
    Int16Signed = 4,
    Int16Unsigned = 5,
    Int32 = 6,
    Int64 = 7,
    Int = 8,
    Nativeint = 9,
    Complex32 = 10,
    Complex64 = 11,
    Char = 12,
}

/// As `Bigarray` calls them; the last one since OCaml 5.2.
const NAMES: [&str; 14] = [
    "float32",
    "float64",
    "int8_signed",
    "int8_unsigned",
    "int16_signed",
    "int16_unsigned",
    "int32",
    "int64",
    "int",
    "nativeint",
    "complex32",
    "complex64",
    "char",
    "float16",
];

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// `struct caml_ba_array`
#[repr(C)]
struct Array {
    data: *mut u8,
    num_dims: isize,
    flags: isize,
    proxy: *mut Proxy,
    dims: [isize; 0],
}

/// `struct caml_ba_proxy`
#[repr(C)]
struct Proxy {
    count: AtomicIsize,
    data: *mut u8,
    size: usize,
}

fn array_of(block: Raw) -> *mut Array {
    // The data of a custom block begins after the pointer to its operations (`mlvalues.h`: Data_custom_val).
    (block.0 as *mut sys::Value).wrapping_add(1).cast()
}

/// Why an array cannot be lent, or not even read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    NotBigarray,
    Kind(&'static str),
    Fortran,
    Dims(usize),
    Lent,
    /// With so many others.
    Shared(isize),
    Foreign,
    Misaligned,
}

/// The elements of an array, in order; the first may stand anywhere if there are none.
pub(crate) struct Elements<const N: usize> {
    pub(crate) data: NonNull<u8>,
    pub(crate) dims: [usize; N],
}

impl<const N: usize> Elements<N> {
    pub(crate) fn count(&self) -> usize {
        self.dims.iter().product()
    }
}

/// Whether it is a Bigarray.
///
/// # Safety
/// `value` is live. No allocation.
unsafe fn is_bigarray(value: Raw) -> bool {
    // `Custom_tag`; the second name is that of mapped files
    const NAMES: [&CStr; 2] = [c"_bigarr02", c"_bigarray"];
    // SAFETY: the block of this tag begins with its operations, which have a name (`custom.h`)
    unsafe {
        if is_immediate(value) || tag(value) != 255 {
            return false;
        }
        let operations = *(value.0 as *const *const sys::custom_operations);
        NAMES.contains(&CStr::from_ptr((*operations).identifier.cast::<c_char>()))
    }
}

/// The elements of an array of that kind, which is not lent. They may be shared.
///
/// # Safety
/// `value` is live. No allocation.
pub(crate) unsafe fn elements<const N: usize>(
    _access: Access<'_>,
    value: Raw,
    kind: Kind,
) -> Result<Elements<N>, Unfit> {
    // SAFETY: the fields of a live Bigarray, which has as many dimensions as it says
    unsafe {
        if !is_bigarray(value) {
            return Err(Unfit::NotBigarray);
        }
        let array = array_of(value);
        let flags = (*array).flags;
        if flags & KIND != kind as isize {
            let name = NAMES.get((flags & KIND) as usize).copied();
            return Err(Unfit::Kind(name.unwrap_or("unknown")));
        }
        if flags & FORTRAN_LAYOUT != 0 {
            return Err(Unfit::Fortran);
        }
        if flags & LENT != 0 {
            return Err(Unfit::Lent);
        }
        if (*array).num_dims as usize != N {
            return Err(Unfit::Dims((*array).num_dims as usize));
        }
        let dims = (&raw const (*array).dims).cast::<[usize; N]>().read();
        Ok(Elements {
            data: NonNull::new((*array).data).unwrap_or(NonNull::dangling()),
            dims,
        })
    }
}

/// Whether nobody else has the memory of a Bigarray.
///
/// # Safety
/// As for [`elements`].
unsafe fn is_alone(value: Raw) -> Result<(), Unfit> {
    // SAFETY: the fields of a live Bigarray; a proxy lives as long as the arrays that it counts
    unsafe {
        let array = array_of(value);
        let operations = *(value.0 as *const *const sys::custom_operations);
        let is_known = match (*array).flags & OWNER {
            MANAGED => true,
            MAPPED_FILE => std::ptr::eq(operations, &raw const OPERATIONS.0),
            _ => false,
        };
        if !is_known {
            return Err(Unfit::Foreign);
        }
        match (*array).proxy.as_ref() {
            Some(proxy) if proxy.count.load(Ordering::Acquire) > 1 => Err(Unfit::Shared(
                proxy.count.load(Ordering::Relaxed).saturating_sub(1),
            )),
            _ => Ok(()),
        }
    }
}

/// Lends an array of that kind to Rust, elements of such an alignment. An array without elements stays as it is.
///
/// # Safety
/// `value` is live. No allocation on the OCaml heap, runs no OCaml code. Nobody reads or writes the elements any more: what OCaml
/// code has begun without a bounds check, in a stub that released the runtime lock, or at the same time on another domain, is
/// its own affair, as without us.
pub(crate) unsafe fn lend<const N: usize>(
    access: Access<'_>,
    value: Raw,
    kind: Kind,
    align: usize,
) -> Result<(Elements<N>, Loan), Unfit> {
    const { assert!(N > 0 && N <= MOST_DIMS) };
    // SAFETY: as the caller's; the array has `N` dimensions, and its root keeps it
    unsafe {
        let elements = elements::<N>(access, value, kind)?;
        let has_elements = elements.count() > 0;
        if has_elements {
            is_alone(value)?;
            if elements.data.as_ptr().addr() % align != 0 {
                return Err(Unfit::Misaligned);
            }
        }
        let mut loan = Loan {
            root: Root::new(access, value),
            rank: if has_elements { N } else { 0 },
            dims: [0; MOST_DIMS],
        };
        if has_elements {
            loan.dims[..N].copy_from_slice(&elements.dims);
            let array = array_of(value);
            (*array).flags |= LENT;
            loan.write_dims(array, |_| 0);
        }
        Ok((elements, loan))
    }
}

/// An array that is lent, and what it is to be again.
pub(crate) struct Loan {
    root: Root,
    /// How many dimensions; none, if the array has no elements, and so is not changed.
    rank: usize,
    dims: [usize; MOST_DIMS],
}

impl Loan {
    /// The array, with a root of its own.
    pub(crate) fn value(&self, access: Access<'_>) -> ocaml::Value {
        self.root.value(access)
    }

    /// OCaml sees the array again. No allocation on the OCaml heap, runs no OCaml code.
    pub(crate) fn restore(self, access: Access<'_>) {
        if self.rank == 0 {
            return;
        }
        // SAFETY: a Bigarray, which the root keeps, of as many dimensions; nothing moves it meanwhile
        unsafe {
            let array = array_of(self.root.get(access));
            self.write_dims(array, |i| self.dims[i]);
            (*array).flags &= !LENT;
        }
    }

    /// For a thread without access: the array waits until somebody calls [`restore_dropped`]. True: it is the first that does.
    pub(crate) fn restore_later(self) -> bool {
        if self.rank == 0 {
            return false;
        }
        let mut head = DROPPED.load(Ordering::Relaxed);
        let node = Box::into_raw(Box::new(Node {
            loan: self,
            next: head,
        }));
        // `Release`: who takes the node sees what was written to the elements.
        while let Err(other) =
            DROPPED.compare_exchange_weak(head, node, Ordering::Release, Ordering::Relaxed)
        {
            head = other;
            // SAFETY: nobody else knows the node before it is the head
            unsafe { (*node).next = head };
        }
        head.is_null()
    }

    /// # Safety
    /// The array is live, and has the dimensions of the loan. Other domains may read them.
    unsafe fn write_dims(&self, array: *mut Array, dim: impl Fn(usize) -> usize) {
        for i in 0..self.rank {
            // SAFETY: as the caller's; a word, as aligned as one
            unsafe {
                let place = (&raw mut (*array).dims).cast::<isize>().add(i);
                AtomicIsize::from_ptr(place).store(dim(i) as isize, Ordering::Release);
            }
        }
    }
}

struct Node {
    loan: Loan,
    next: *mut Node,
}

/// A stack as that of `dropped.rs`.
static DROPPED: AtomicPtr<Node> = AtomicPtr::new(null_mut());

/// Restores the arrays that were let go where OCaml could not be touched. No allocation on the OCaml heap, runs no OCaml code.
#[inline]
pub(crate) fn restore_dropped(access: Access<'_>) {
    if !DROPPED.load(Ordering::Relaxed).is_null() {
        restore_all(access);
    }
}

#[cold]
fn restore_all(access: Access<'_>) {
    let mut node = DROPPED.swap(null_mut(), Ordering::Acquire);
    while !node.is_null() {
        // SAFETY: made by `restore_later`, and ours since the swap
        let Node { loan, next } = *unsafe { Box::from_raw(node) };
        loan.restore(access);
        node = next;
    }
}

/// What owns the memory of an array of rule 4.
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

struct Operations(sys::custom_operations);
// SAFETY: constant; the runtime reads it only
unsafe impl Sync for Operations {}

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
