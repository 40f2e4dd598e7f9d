//! The frame of a function that OCaml calls, and the scope in it.

use std::panic::AssertUnwindSafe;

use crate::caml::lock::Access;
use crate::caml::{self, Called, Raised, Raw, UNIT};
use crate::errors_to_ocaml;
use crate::home::{AtHome, Scope};
use crate::panic::catch;
use crate::stack::Overflow;

/// Writes functions that OCaml calls, from bodies that are safe.
///
/// - The first argument is what the body may do. `access: Access` is the proof that OCaml may be touched. `called: Called` is that
///   nothing has allocated yet, until it is given up for an `Access`. A `noalloc` external has none, or does not give it up.
/// - The others are what OCaml passes. Each is of a type that is [`Given`](crate::caml::Given), and read before anything may allocate;
///   or a `Passed<'f>`, which `called` looks at.
/// - What is returned is converted, see [`Returned`]. An error is raised, when everything else of the function is gone.
///
/// `test/house` reads these as functions, and compares them with the externals.
macro_rules! exports {
    () => {};
    (
        $(#[$doc:meta])*
        fn $name:ident($access:ident: Access $(, $argument:ident: $kind:ty)*) $(-> $result:ty)? $body:block
        $($rest:tt)*
    ) => {
        exports!(@write [$($doc)*] $name [$($argument: $kind),*] [$($result)?]
            |called| body(called.begin()) [$access: $crate::caml::lock::Access<'f>,] $body);
        exports! { $($rest)* }
    };
    (
        $(#[$doc:meta])*
        fn $name:ident($called:ident: Called $(, $argument:ident: $kind:ty)*) $(-> $result:ty)? $body:block
        $($rest:tt)*
    ) => {
        exports!(@write [$($doc)*] $name [$($argument: $kind),*] [$($result)?]
            |called| body(called) [$called: $crate::caml::Called<'f>,] $body);
        exports! { $($rest)* }
    };
    (
        $(#[$doc:meta])*
        fn $name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)? $body:block
        $($rest:tt)*
    ) => {
        exports!(@write [$($doc)*] $name [$($argument: $kind),*] [$($result)?] |called| body() [] $body);
        exports! { $($rest)* }
    };
    (
        @write [$($doc:meta)*] $name:ident [$($argument:ident: $kind:ty),*] [$($result:ty)?]
        |$called:ident| body($($proof:expr)?) [$($parameter:tt)*] $body:block
    ) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// OCaml calls, as its external says.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $crate::caml::Raw),*) -> $crate::caml::Raw {
            #[inline]
            #[allow(clippy::extra_unused_lifetimes, reason = "not every body looks at what was passed")]
            fn body<'f>($($parameter)* $($argument: $kind),*) $(-> $result)? $body

            // SAFETY: OCaml calls, with values of the types that the external says; this frame has nothing to drop
            unsafe {
                $crate::caml::run([$($argument),*], |$called, [$($argument),*]| {
                    $(let $argument = $crate::caml::given(&$called, $argument);)*
                    $crate::exports::frame::Returned::into_ocaml(body($($proof,)? $($argument),*))
                })
            }
        }
    };
}

/// What a function may return.
pub(super) trait Returned {
    fn into_ocaml(self) -> Result<Raw, Raised>;
}

macro_rules! returned {
    ($($ty:ty: |$value:ident| $how:expr;)*) => {$(
        impl Returned for $ty {
            #[inline]
            fn into_ocaml(self) -> Result<Raw, Raised> {
                let $value = self;
                Ok($how)
            }
        }
    )*};
}

returned! {
    (): |_value| UNIT;
    bool: |value| caml::bool(value);
    isize: |value| caml::int(value);
    // Just made, or just read.
    Raw: |value| value;
    ocaml::Value: |value| value.raw();
}

impl<R: Returned> Returned for Result<R, Raised> {
    #[inline]
    fn into_ocaml(self) -> Result<Raw, Raised> {
        self?.into_ocaml()
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

/// Where a function of OCaml's loop is called.
pub(super) enum Place {
    /// Where Lwt does not run: nothing is done.
    OtherThread,
    /// There is too little stack for anything that runs OCaml code.
    Deep(AtHome),
    Ready(AtHome),
}

impl Place {
    /// Where this call is.
    pub(super) fn of(called: &Called<'_>) -> Place {
        match AtHome::here().filter(|at| at.home().is_lwt()) {
            None => Place::OtherThread,
            Some(at) => match caml::check_stacks(called.quietly()) {
                Err(Overflow) => Place::Deep(at),
                Ok(()) => Place::Ready(at),
            },
        }
    }
}

/// Runs `f` as a scope, and what is pending; raises what escaped, see [`Raise`], or `Stack_overflow` instead. On a thread that does
/// not run Lwt nothing is done.
pub(super) fn in_scope(
    called: Called<'_>,
    raise: Raise,
    f: impl FnOnce(&Scope),
) -> Result<(), Raised> {
    match Place::of(&called) {
        Place::OtherThread => Ok(()),
        Place::Deep(_) => Err(Overflow.into()),
        Place::Ready(at) => in_scope_at(called.begin(), at, raise, f),
    }
}

/// The same where that is known.
pub(super) fn in_scope_at(
    access: Access<'_>,
    at: AtHome,
    raise: Raise,
    f: impl FnOnce(&Scope),
) -> Result<(), Raised> {
    let home = at.home();
    let scope = Scope::enter(access, at);
    // A waker of the user's that panics, say.
    if let Err(panic) = catch(AssertUnwindSafe(|| f(&scope))) {
        errors_to_ocaml::report_panic(&scope, &panic);
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
        Some(exception) => Err(Raised::just(exception.get(access))),
    }
}
