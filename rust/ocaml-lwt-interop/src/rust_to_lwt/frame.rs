//! The frame of every stub: what it does before it converts the function's own arguments, and what it does last.

use std::cell::Cell;

use super::argument::{Arguments, Signature, Values};
use crate::caml::lock::Access;
use crate::caml::{self, Called, Live, Passed, Raised, Raw};
use crate::executor::start;
use crate::home::{AtHome, Scope};

/// Which threads may call: what finds the executor of one whose first call this is, or that is no domain thread.
pub(super) type Callers = fn(Access<'_>, &str) -> Result<AtHome, Raised>;

/// The one that runs Lwt, and those of worker domains: what is given is a promise.
pub(super) const DOMAIN_THREADS: Callers = start::executor;

/// Every thread that holds a runtime lock: what is given is a value.
pub(super) const ALL_THREADS: Callers = start::executor_or_visitor;

/// Runs `body` in a scope. Neither its value nor its exception is rooted: it lets nothing allocate between making what it gives and
/// its end.
#[inline]
pub(super) fn in_scope<'f, const N: usize>(
    callers: Callers,
    called: Called<'f>,
    arguments: [Passed<'f>; N],
    signature: &'static Signature,
    body: impl FnOnce(&Scope, &Arguments<'_>) -> Result<Raw, Raised>,
) -> Result<Raw, Raised> {
    let (access, at, arguments) = begin(callers, called, arguments, signature)?;
    let scope = Scope::enter(access, at);
    let run = |values: Values<'_>| {
        let arguments = Arguments {
            access: scope.access(),
            signature,
            values,
        };
        body(&scope, &arguments)
    };
    if !signature.collects {
        return run(Values::Live(&arguments));
    }
    let rooted = arguments.map(rooted);
    run(Values::Rooted(&rooted))
}

/// Not a closure: one for each number of arguments, and not for each function.
#[inline]
fn rooted(argument: Live<'_>) -> Cell<Option<ocaml::Value>> {
    Cell::new(Some(argument.rooted()))
}

/// This thread must be one of the callers. The first call ever starts the executor, which runs OCaml code.
/// Every call begins here, so here it is refused where too little of the stack is left for it, and where the OCaml library is not
/// linked. The arguments are live: nothing has allocated since they were read.
#[inline]
fn begin<'f, const N: usize>(
    callers: Callers,
    called: Called<'f>,
    arguments: [Passed<'f>; N],
    signature: &Signature,
) -> Result<(Access<'f>, AtHome, [Live<'f>; N]), Raised> {
    caml::check_stacks(called.quietly())?;
    let Some(at) = start::running() else {
        return first_call(callers, called, arguments, signature);
    };
    let (access, arguments) = called.begin_with(arguments);
    Ok((access, at, arguments))
}

/// The first call on this thread, or one that is refused. Inlined: as a function of its own it would give the arguments through memory,
/// and so would each call that needs none of it: read as one word of what was just written as two, which waits (4 ns in `object/function`,
/// 17 in `object/method`, and not an instruction more).
#[inline(always)]
fn first_call<'f, const N: usize>(
    callers: Callers,
    called: Called<'f>,
    arguments: [Passed<'f>; N],
    signature: &Signature,
) -> Result<(Access<'f>, AtHome, [Live<'f>; N]), Raised> {
    let (at, access, arguments) = called.keeping(arguments, |access| {
        if start::is_linked(access) {
            callers(access, signature.function)
        } else {
            Err(start::not_linked())
        }
    });
    at.map(|at| (access, at, arguments))
}
