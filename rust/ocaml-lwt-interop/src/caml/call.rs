//! Calls of OCaml functions, what runs because of them, and what is raised.

use ocaml::sys;

use super::lock;
use super::value::{Raw, UNIT};
use crate::stack::{self, Overflow};

/// The result of running OCaml code: a value or the exception that ended it. Neither is rooted.
pub(crate) type CallResult = Result<Raw, Raw>;

fn call_result(v: sys::Value) -> CallResult {
    if sys::is_exception_result(v) {
        Err(Raw(sys::extract_exception(v)))
    } else {
        Ok(Raw(v))
    }
}

/// Applies an OCaml function to one to any number of arguments.
///
/// Any function value works: `caml_callback*_exn` apply through the closure's code pointer and `caml_curry*` handle
/// partial application; closures of a mutually recursive group have `Infix_tag`, which they do not look at.
///
/// # Safety
/// The runtime lock is held on a thread that may run OCaml code (not inside a finaliser of a custom block or a
/// `noalloc` stub); `f` is a live function, `arguments` are live and need no root of the caller's, since the runtime
/// takes them over before anything can allocate. Runs OCaml code; does not raise: the exception comes back.
pub(crate) unsafe fn call(f: Raw, arguments: &mut [Raw]) -> CallResult {
    // SAFETY: the caller's word
    unsafe { room_for_callback()? };
    // SAFETY: the caller's word; `Raw` is `repr(transparent)` over a value
    call_result(lock::running_ocaml(|| unsafe {
        match *arguments {
            [a] => sys::caml_callback_exn(f.0, a.0),
            [a, b] => sys::caml_callback2_exn(f.0, a.0, b.0),
            [a, b, c] => sys::caml_callback3_exn(f.0, a.0, b.0, c.0),
            _ => sys::caml_callbackN_exn(f.0, arguments.len(), arguments.as_mut_ptr().cast()),
        }
    }))
}

/// The cell of what OCaml registered under a name: the table roots it, and never frees it (`callback.c`).
#[derive(Clone, Copy)]
pub(crate) struct NamedValue(*const sys::Value);

impl NamedValue {
    /// The value now; a collection moves it.
    ///
    /// # Safety
    /// The runtime lock is held. No allocation; the result is not rooted by itself.
    #[inline]
    pub(crate) unsafe fn get(self) -> Raw {
        // SAFETY: a cell that is never freed
        Raw(unsafe { *self.0 })
    }
}

/// What OCaml registered under `name` with `Callback.register` or `Callback.register_exception`.
///
/// # Safety
/// The runtime lock is held. May collect: OCaml 5.4 and later let a collection happen while another domain holds the lock
/// of the table (`callback.c`, `caml_plat_lock_non_blocking`). Runs no OCaml code.
pub(crate) unsafe fn named_value(name: &std::ffi::CStr) -> Option<NamedValue> {
    // SAFETY: a C string; the table is protected by the runtime lock (OCaml 4) or its own mutex (OCaml 5)
    let value = unsafe { sys::caml_named_value(name.as_ptr().cast()) };
    (!value.is_null()).then_some(NamedValue(value.cast()))
}

/// Raises an OCaml exception.
///
/// # Safety
/// The runtime lock is held; `exception` is a live exception value; no frame between this one and the OCaml caller
/// holds anything with a destructor, since they are all skipped as by `longjmp`.
pub(crate) unsafe fn raise(exception: Raw) -> ! {
    // SAFETY: the caller's word
    unsafe { sys::caml_raise(exception.0) };
    unreachable!("caml_raise returned")
}

unsafe extern "C" {
    fn caml_process_pending_actions_exn() -> sys::Value;
    // `lock.c`
    #[cfg(ocaml_5)]
    fn ocaml_lwt_interop_room_for_callback() -> sys::Value;
    #[cfg(not(ocaml_5))]
    safe static ocaml_lwt_interop_ocaml_stack: usize;
    fn ocaml_lwt_interop_ocaml_stack_left(bytes: usize) -> bool;
    fn ocaml_lwt_interop_was_raised_last(exception: sys::Value) -> bool;
}

/// Whether this exception is the one that was raised last on this thread, whose backtrace the runtime keeps.
///
/// # Safety
/// The runtime lock is held; the exception is live. No allocation.
pub(crate) unsafe fn was_raised_last(exception: Raw) -> bool {
    // SAFETY: the caller's word
    unsafe { ocaml_lwt_interop_was_raised_last(exception.0) }
}

/// Whether enough is left of this thread's stack, and of the stack that OCaml 5 has of its own, for what OCaml calls or is to
/// call: see [`stack`].
///
/// # Safety
/// The runtime lock is held.
#[inline]
pub(crate) unsafe fn check_stacks() -> Result<(), Overflow> {
    stack::check()?;
    // Native code of OCaml 4 has none of its own.
    #[cfg(not(ocaml_5))]
    if ocaml_lwt_interop_ocaml_stack == 0 {
        return Ok(());
    }
    // SAFETY: the caller's word
    if unsafe { ocaml_lwt_interop_ocaml_stack_left(stack::OCAML_RESERVE) } {
        Ok(())
    } else {
        Err(Overflow)
    }
}

/// `Stack_overflow`, where OCaml's own stack has no room for a call: the runtime would raise it over the frames of its caller.
///
/// # Safety
/// The runtime lock is held. No allocation on the OCaml heap, though OCaml's stack may move.
#[cfg(ocaml_5)]
#[inline]
unsafe fn room_for_callback() -> Result<(), Raw> {
    // SAFETY: the caller's word
    match unsafe { ocaml_lwt_interop_room_for_callback() } {
        0 => Ok(()),
        overflow => Err(Raw(overflow)),
    }
}

/// There is none of OCaml's own, or, in bytecode, one that grows by itself.
///
/// # Safety
/// None.
#[cfg(not(ocaml_5))]
#[inline]
unsafe fn room_for_callback() -> Result<(), Raw> {
    Ok(())
}

/// Runs what is pending: handlers of signals, finalisers, callbacks of `Gc.Memprof`. What one of them raises comes back, not
/// rooted. Where OCaml's stack has no room for them, they stay pending.
///
/// # Safety
/// As for [`call`]: runs OCaml code, may collect, does not raise (`signals.c`, 4.13 to 5.4).
#[inline]
pub(crate) unsafe fn process_pending() -> CallResult {
    // SAFETY: the caller's word
    unsafe {
        if room_for_callback().is_err() {
            return Ok(UNIT);
        }
        call_result(caml_process_pending_actions_exn())
    }
}

/// Raises `Stack_overflow`.
///
/// # Safety
/// As for [`raise`].
#[cold]
pub(crate) unsafe fn raise_stack_overflow() -> ! {
    // SAFETY: the caller's word
    unsafe { sys::caml_raise_stack_overflow() };
    unreachable!("caml_raise_stack_overflow returned")
}
