//! The frame of a function that OCaml calls, and the scope in it.

use std::panic::AssertUnwindSafe;

use crate::caml::lock::{self, Access};
use crate::caml::{self, Raw, Standard, UNIT};
use crate::errors_to_ocaml;
use crate::home::{AtHome, Scope};
use crate::panic::catch;
use crate::stack::Overflow;

/// Writes functions that OCaml calls, from bodies that are safe.
///
/// - The first argument, if it is an `Access`, is the proof that OCaml may be touched. A `noalloc` external has none.
/// - The others are what OCaml passes: a `Raw` as it is, which is live until something allocates; or a `Value`, rooted; or an
///   `isize`, `usize` or `bool`, converted.
/// - What is returned is converted, see [`Returned`]. An error is raised, when everything else of the function is gone.
///
/// `test/externals` reads these as functions, and compares them with the externals.
macro_rules! exports {
    () => {};
    (
        $(#[$doc:meta])*
        fn $name:ident($access:ident: Access $(, $argument:ident: $kind:ident)*) $(-> $result:ty)? $body:block
        $($rest:tt)*
    ) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// OCaml calls, as its external says.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $crate::caml::Raw),*) -> $crate::caml::Raw {
            #[inline]
            fn body(
                $access: $crate::caml::lock::Access<'_>,
                $($argument: exports!(@type $kind)),*
            ) $(-> $result)? $body

            // SAFETY: OCaml calls, and is called back; its arguments are live, and this frame has nothing to drop
            unsafe {
                $crate::exports::frame::run(|access| {
                    // All of them are rooted before the body may allocate.
                    body(access, $(exports!(@read access, $argument, $kind)),*)
                })
            }
        }
        exports! { $($rest)* }
    };
    (
        $(#[$doc:meta])*
        fn $name:ident($($argument:ident: $kind:ident),*) $(-> $result:ty)? $body:block
        $($rest:tt)*
    ) => {
        $(#[$doc])*
        #[unsafe(no_mangle)]
        extern "C" fn $name($($argument: $crate::caml::Raw),*) -> $crate::caml::Raw {
            #[inline]
            fn body($($argument: exports!(@type $kind)),*) $(-> $result)? $body

            $crate::exports::frame::value(body($(exports!(@read (), $argument, $kind)),*))
        }
        exports! { $($rest)* }
    };
    (@type Value) => { ocaml::Value };
    (@type Raw) => { $crate::caml::Raw };
    (@type $number:ident) => { $number };
    (@read $access:expr, $argument:ident, Value) => { $crate::caml::protect($access, $argument) };
    (@read $access:expr, $argument:ident, Raw) => { $argument };
    (@read $access:expr, $argument:ident, isize) => { $crate::caml::int_val($argument) };
    (@read $access:expr, $argument:ident, usize) => { $crate::caml::int_val($argument) as usize };
    (@read $access:expr, $argument:ident, bool) => { $crate::caml::int_val($argument) != 0 };
}

/// What leaves a function instead of a value.
pub(super) enum Raised {
    StackOverflow,
    Message(Standard, String),
    /// Just made, or just read from its root: nothing allocates until it is raised.
    Exception(Raw),
}

impl From<Overflow> for Raised {
    fn from(Overflow: Overflow) -> Raised {
        Raised::StackOverflow
    }
}

/// What a function may return.
pub(super) trait Returned {
    fn into_ocaml(self) -> Result<Raw, Raised>;
}

impl Returned for () {
    #[inline]
    fn into_ocaml(self) -> Result<Raw, Raised> {
        Ok(UNIT)
    }
}

impl Returned for bool {
    #[inline]
    fn into_ocaml(self) -> Result<Raw, Raised> {
        Ok(caml::bool(self))
    }
}

impl Returned for isize {
    #[inline]
    fn into_ocaml(self) -> Result<Raw, Raised> {
        Ok(caml::int(self))
    }
}

/// Just made, or just read.
impl Returned for Raw {
    #[inline]
    fn into_ocaml(self) -> Result<Raw, Raised> {
        Ok(self)
    }
}

impl<R: Returned> Returned for Result<R, Raised> {
    #[inline]
    fn into_ocaml(self) -> Result<Raw, Raised> {
        self?.into_ocaml()
    }
}

/// What a function gives that raises nothing.
#[inline]
pub(super) fn value(returned: impl Returned) -> Raw {
    match returned.into_ocaml() {
        Ok(value) => value,
        Err(_) => unreachable!("a noalloc function raises nothing"),
    }
}

/// Runs the body of a function, and raises what leaves it.
///
/// # Safety
/// OCaml called the function, which may allocate and call back, and whose frame has nothing to drop.
#[inline]
pub(super) unsafe fn run<R: Returned>(body: impl FnOnce(Access<'_>) -> R) -> Raw {
    // SAFETY: as the caller's; the body has dropped everything of its own when it has returned, and nothing has allocated since
    unsafe {
        let access = lock::called();
        match body(access).into_ocaml() {
            Ok(value) => value,
            Err(Raised::Exception(exception)) => caml::raise(access, exception),
            Err(Raised::StackOverflow) => caml::raise_stack_overflow(access),
            Err(Raised::Message(which, message)) => caml::raise_standard(access, which, message),
        }
    }
}

/// Where exceptions that escaped go.
#[derive(Clone, Copy)]
pub(super) enum Raise {
    /// One leaves the function: its caller is the program's, or a hook of `Lwt_main.run`.
    Now,
    /// Lwt calls, and would give it to its hook for asynchronous exceptions, which is for those of the program's callbacks. In
    /// a turn of `Lwt_main.run` it waits for the end of that.
    OutsideOfTurns,
    /// Lwt calls, in any loop: it waits for a hook of `Lwt_main.run`, unless it has turned out that none comes.
    WhereNoHookComes,
}

/// Runs `f` as a scope, and what is pending; raises what escaped, see [`Raise`], or `Stack_overflow` instead. On a thread that does
/// not run Lwt nothing is done.
pub(super) fn in_scope(
    access: Access<'_>,
    raise: Raise,
    f: impl FnOnce(&Scope),
) -> Result<(), Raised> {
    in_scope_or(
        access,
        (),
        |_, ()| Err(Overflow),
        raise,
        |scope, ()| f(scope),
    )
}

/// The same with what is done where there is too little stack for `f`: should it fail, `Stack_overflow` is raised. It runs no
/// OCaml code and does not collect. One of them is given `with`.
pub(super) fn in_scope_or<T>(
    access: Access<'_>,
    with: T,
    put_off: impl FnOnce(AtHome, T) -> Result<(), Overflow>,
    raise: Raise,
    f: impl FnOnce(&Scope, T),
) -> Result<(), Raised> {
    let Some(at) = AtHome::here().filter(|at| at.home().is_lwt()) else {
        return Ok(());
    };
    if let Err(Overflow) = caml::check_stacks(access) {
        return Ok(put_off(at, with)?);
    }
    let home = at.home();
    let scope = Scope::enter(access, at);
    // A waker of the user's that panics, say.
    if let Err(panic) = catch(AssertUnwindSafe(|| f(&scope, with))) {
        let exception = errors_to_ocaml::of_panic(&scope, &panic);
        errors_to_ocaml::report_async(&scope, &exception);
    }
    // Here and not in the code of Lwt's that comes next, which would lose other promises by it.
    home.handle_pending(&scope);
    let now = match raise {
        Raise::Now => true,
        Raise::OutsideOfTurns => !home.is_in_turn(at),
        Raise::WhereNoHookComes => home.runs_no_hooks(at),
    };
    match now.then(|| home.take_escaped(&scope)).flatten() {
        None => Ok(()),
        Some(exception) => Err(Raised::Exception(exception.get(access))),
    }
}
