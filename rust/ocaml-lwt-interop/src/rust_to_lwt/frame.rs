//! The frame of every stub: what it does before it converts the function's own arguments, and what it does last.

use std::cell::Cell;

use super::argument::{Arguments, Signature};
use crate::caml::lock::{self, Access};
use crate::caml::{self, Raw};
use crate::executor::start;
use crate::home::{AtHome, Scope};

/// Runs `body`, and gives its value to OCaml, or raises its exception. Neither is rooted.
///
/// # Safety
/// OCaml calls the stub, so this thread holds the runtime lock and may run OCaml code; `arguments` are its arguments, live and of
/// the types that the `external` declares. `body` lets nothing allocate between making what it gives and its end. Raises what
/// `body` does, and what [`begin`] does; the caller holds nothing with a destructor, and `body` nothing before it runs.
#[inline]
pub(super) unsafe fn run<const N: usize>(
    signature: &'static Signature,
    arguments: [Raw; N],
    body: impl FnOnce(&Scope, &Arguments<'_>) -> Result<Raw, Raw>,
) -> Raw {
    // SAFETY: as the caller's; everything else was dropped when the scope was left
    unsafe {
        let access = lock::called();
        match in_scope(access, signature, arguments, body) {
            Ok(value) => value,
            Err(exception) => caml::raise(access, exception),
        }
    }
}

/// # Safety
/// As for [`run`]; it raises what [`begin`] does.
#[inline]
unsafe fn in_scope<const N: usize>(
    access: Access<'_>,
    signature: &'static Signature,
    arguments: [Raw; N],
    body: impl FnOnce(&Scope, &Arguments<'_>) -> Result<Raw, Raw>,
) -> Result<Raw, Raw> {
    // SAFETY: as the caller's; nothing here has a destructor yet
    let (at, values) = unsafe { begin(access, signature, arguments)? };
    let scope = Scope::enter(access, at);
    let values = values;
    let arguments = Arguments {
        access: scope.access(),
        signature,
        values: &values,
    };
    body(&scope, &arguments)
}

/// An argument, until it is converted.
type Rooted = Cell<Option<ocaml::Value>>;

/// This thread must be the one that runs Lwt, or a worker domain's. The first call ever starts the executor, which runs OCaml code.
/// Every call begins here, so here it is refused where too little of the stack is left for it.
///
/// All arguments are rooted before the first is converted: a conversion may collect.
///
/// # Safety
/// As for [`run`]. Raises `Stack_overflow`, and `Failure` where the OCaml library is not linked; an exception that comes back is not
/// rooted.
#[inline]
unsafe fn begin<const N: usize>(
    access: Access<'_>,
    signature: &Signature,
    mut arguments: [Raw; N],
) -> Result<(AtHome, [Rooted; N]), Raw> {
    // SAFETY: OCaml called the stub; nothing has a destructor yet, by the caller's word; the arguments are live
    unsafe {
        if caml::check_stacks(access).is_err() {
            caml::raise_stack_overflow(access);
        }
        let at = match AtHome::here() {
            // OCaml code runs only to make the exception that is returned.
            Some(_) => start::executor(access, signature.function)?,
            None => home_of_first_call(access, signature, &mut arguments)?,
        };
        let rooted = arguments.map(|argument| Cell::new(Some(caml::protect(access, argument))));
        Ok((at, rooted))
    }
}

/// The first call on this thread. The arguments are live afterwards as before.
///
/// # Safety
/// As for [`begin`].
#[cold]
unsafe fn home_of_first_call(
    access: Access<'_>,
    signature: &Signature,
    arguments: &mut [Raw],
) -> Result<AtHome, Raw> {
    // SAFETY: the arguments are live; nothing here has a destructor
    unsafe {
        let started = caml::keeping(access, arguments, || {
            start::is_linked(access).then(|| start::executor(access, signature.function))
        });
        started.unwrap_or_else(|| start::raise_not_linked(access))
    }
}
