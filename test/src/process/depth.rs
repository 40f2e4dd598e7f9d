//! Deep in the stack.

use ocaml_lwt_interop::{Error, OCamlFunc, func, ocaml_runtime};

/// Uses so many KiB of the stack.
#[func]
pub async fn process_uses_stack(kibibytes: isize) {
    let here = 0u8;
    descend_below((&raw const here).addr() - ((kibibytes as usize) << 10));
}

#[inline(never)]
fn descend_below(address: usize) {
    let frame = std::hint::black_box([1u8; 256]);
    if frame.as_ptr().addr() > address {
        descend_below(address);
    }
    std::hint::black_box(&frame);
}

/// How many bytes of this thread's stack are left, as the C library tells it.
#[ocaml::func]
pub fn process_stack_left() -> isize {
    let here = 0u8;
    let mut attributes = std::mem::MaybeUninit::uninit();
    let (mut lowest, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: filled in by the first call, read and destroyed afterwards
    unsafe {
        libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr());
        libc::pthread_attr_getstack(attributes.as_ptr(), &mut lowest, &mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
    (&raw const here).addr() as isize - lowest.addr() as isize
}

/// A function whose value OCaml gets at once.
#[func(sync)]
pub fn process_plain_call(f: OCamlFunc<(isize,), isize>, n: isize) -> Result<isize, Error> {
    f.call(&ocaml_runtime(), (n,))
}
