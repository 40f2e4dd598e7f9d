//! Calls of OCaml functions, what runs because of them, and what is raised.

use ocaml::sys;

use super::live::Live;
use super::loan;
use super::lock::{self, Access};
use super::typed::{Given, Typed, types};
use super::value::{Raw, alloc_string};
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
/// `f` is a live function, `arguments` are live and of the types that it takes; they need no root of the caller's, since the
/// runtime takes them over before anything can allocate. Runs OCaml code; does not raise: the exception comes back.
pub(crate) unsafe fn call(access: Access<'_>, f: Raw, arguments: &mut [Raw]) -> CallResult {
    room_for_callback(access)?;
    // Whatever OCaml hears, it has before what was let go before that.
    loan::restore_dropped(access);
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
    /// No allocation.
    fn live(self, access: Access<'_>) -> Live<'_> {
        // SAFETY: a cell that is never freed, whose value the table keeps alive
        unsafe { Live::new(access, Raw(*self.0)) }
    }

    /// The value now; a collection moves it. No allocation; the result is not rooted by itself.
    #[inline]
    pub(crate) fn get(self, access: Access<'_>) -> Raw {
        self.live(access).raw()
    }

    /// With a root of its own. No allocation on the OCaml heap.
    pub(crate) fn value(self, access: Access<'_>) -> ocaml::Value {
        self.live(access).rooted()
    }
}

/// What OCaml registered under `name` with `Callback.register` or `Callback.register_exception`.
///
/// May collect: OCaml 5.4 and later let a collection happen while another domain holds the lock
/// of the table (`callback.c`, `caml_plat_lock_non_blocking`). Runs no OCaml code.
pub(crate) fn named_value(_access: Access<'_>, name: &std::ffi::CStr) -> Option<NamedValue> {
    // SAFETY: a C string; the table is protected by the runtime lock (OCaml 4) or its own mutex (OCaml 5)
    let value = unsafe { sys::caml_named_value(name.as_ptr().cast()) };
    (!value.is_null()).then_some(NamedValue(value.cast()))
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

/// Whether this exception is the one that was raised last on this thread, whose backtrace the runtime keeps. No allocation.
pub(crate) fn was_raised_last(exception: Live<'_>) -> bool {
    // SAFETY: there is access; a value is compared, not looked into
    unsafe { ocaml_lwt_interop_was_raised_last(exception.raw().0) }
}

/// Whether enough is left of this thread's stack, and of the stack that OCaml 5 has of its own, for what OCaml calls or is to
/// call: see [`stack`].
#[inline]
pub(crate) fn check_stacks(_access: Access<'_>) -> Result<(), Overflow> {
    stack::check()?;
    // Native code of OCaml 4 has none of its own.
    #[cfg(not(ocaml_5))]
    if ocaml_lwt_interop_ocaml_stack == 0 {
        return Ok(());
    }
    // SAFETY: the lock is held
    if unsafe { ocaml_lwt_interop_ocaml_stack_left(stack::OCAML_RESERVE) } {
        Ok(())
    } else {
        Err(Overflow)
    }
}

/// `Stack_overflow`, where OCaml's own stack has no room for a call: the runtime would raise it over the frames of its caller.
/// No allocation on the OCaml heap, though OCaml's stack may move.
#[cfg(ocaml_5)]
#[inline]
fn room_for_callback(_access: Access<'_>) -> Result<(), Raw> {
    // SAFETY: the lock is held
    match unsafe { ocaml_lwt_interop_room_for_callback() } {
        0 => Ok(()),
        overflow => Err(Raw(overflow)),
    }
}

/// There is none of OCaml's own, or, in bytecode, one that grows by itself.
#[cfg(not(ocaml_5))]
#[inline]
fn room_for_callback(_access: Access<'_>) -> Result<(), Raw> {
    Ok(())
}

/// Runs what is pending: handlers of signals, finalisers, callbacks of `Gc.Memprof`. What one of them raises comes back. Where
/// OCaml's stack has no room for them, they stay pending.
///
/// Runs OCaml code, may collect, does not raise (`signals.c`, 4.13 to 5.4).
#[inline]
pub(crate) fn process_pending(access: Access<'_>) -> Result<(), Typed<types::Exception>> {
    if room_for_callback(access).is_err() {
        return Ok(());
    }
    // SAFETY: OCaml code may run; an exception is rooted at once
    unsafe {
        match call_result(caml_process_pending_actions_exn()) {
            Ok(_) => Ok(()),
            Err(exception) => Err(raised_by(Live::new(access, exception))),
        }
    }
}

/// The exception that ended a call, with a root.
#[cold]
pub(crate) fn raised_by(exception: Live<'_>) -> Typed<types::Exception> {
    // SAFETY: every value that was raised is of that type
    unsafe { Typed::of(exception) }
}

/// Exceptions with a message that need nothing of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standard {
    Failure,
    InvalidArgument,
}

/// What leaves a function instead of a value.
#[doc(hidden)]
#[derive(Debug)]
pub struct Raised(Cause);

#[derive(Debug)]
enum Cause {
    StackOverflow,
    /// In a box, so that a result of a call fits into two registers.
    Message(Box<(Standard, String)>),
    /// Just made, or just read from its root: nothing allocates until it is raised.
    Exception(Raw),
}

impl Raised {
    #[cold]
    pub(crate) fn message(which: Standard, message: impl Into<String>) -> Raised {
        Raised(Cause::Message(Box::new((which, message.into()))))
    }

    /// Of an exception that was just made, or just read from its root: nothing allocates until it is raised.
    pub(crate) fn just(exception: Raw) -> Raised {
        Raised(Cause::Exception(exception))
    }
}

impl From<Overflow> for Raised {
    fn from(Overflow: Overflow) -> Raised {
        Raised(Cause::StackOverflow)
    }
}

/// Raises it. Allocates, to make a message.
///
/// # Safety
/// It is live, if it is a value. No frame between this one and the OCaml caller holds anything with a destructor, since they are
/// all skipped as by `longjmp`.
#[cold]
pub(super) unsafe fn raise(access: Access<'_>, Raised(raised): Raised) -> ! {
    // SAFETY: by the caller's word; a string was just made, and its text is gone before it is raised
    unsafe {
        match raised {
            Cause::Exception(exception) => sys::caml_raise(exception.0),
            Cause::StackOverflow => sys::caml_raise_stack_overflow(),
            Cause::Message(message) => {
                let (which, message) = *message;
                let value = alloc_string(access, message.as_bytes());
                drop(message);
                match which {
                    Standard::Failure => sys::caml_failwith_value(value.0),
                    Standard::InvalidArgument => sys::caml_invalid_argument_value(value.0),
                }
            }
        }
    }
    unreachable!("the runtime returned from raising")
}
