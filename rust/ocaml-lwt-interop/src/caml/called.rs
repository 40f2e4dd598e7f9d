//! The frame of a function that OCaml calls: its arguments before anything can move them, and what it raises.

use ocaml::sys;

use super::call::{Raised, raise};
use super::live::Live;
use super::lock::{self, Access};
use super::typed::Given;
use super::value::Raw;

/// OCaml has called, and nothing has allocated yet, so what it passed is live. There is no other [`Access`] in the frame until
/// this one is given up for it.
#[doc(hidden)]
pub struct Called<'a>(Access<'a>);

/// What OCaml passed, as it is. `'a` is that of [`Called`], which can look at it.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Passed<'a> {
    raw: Raw,
    called: std::marker::PhantomData<fn(&'a ()) -> &'a ()>,
}

impl Passed<'_> {
    /// Not a closure: one for each number of arguments, and not for each function.
    #[inline]
    fn new(raw: Raw) -> Self {
        Passed {
            raw,
            called: std::marker::PhantomData,
        }
    }
}

impl<'a> Called<'a> {
    /// From now on anything may allocate.
    #[inline]
    pub(crate) fn begin(self) -> Access<'a> {
        self.0
    }

    /// The same, with the arguments, which are live until something allocates.
    #[inline]
    pub(crate) fn begin_with<const N: usize>(
        self,
        arguments: [Passed<'a>; N],
    ) -> (Access<'a>, [Live<'a>; N]) {
        (self.0, arguments.map(|passed| self.live(passed)))
    }

    /// For what allocates nothing on the OCaml heap.
    #[inline]
    pub(crate) fn quietly(&self) -> Access<'_> {
        self.0
    }

    /// Runs `f`, which may collect, and gives the arguments as they are then, too. For the one place where boxroot is not set up yet:
    /// the first call, whose thread is still to be checked.
    pub(crate) fn keeping<const N: usize, R>(
        self,
        arguments: [Passed<'a>; N],
        f: impl FnOnce(Access<'a>) -> R,
    ) -> (R, Access<'a>, [Live<'a>; N]) {
        let mut raws = arguments.map(|passed| passed.raw);
        // SAFETY: live arguments in cells that stay where they are until they are removed; `Raw` is `repr(transparent)`
        unsafe {
            for raw in &mut raws {
                sys::caml_register_global_root(&raw mut raw.0);
            }
            let result = f(self.0);
            for raw in &mut raws {
                sys::caml_remove_global_root(&raw mut raw.0);
            }
            (result, self.0, raws.map(|raw| Live::new(self.0, raw)))
        }
    }

    /// An argument.
    #[inline]
    pub(crate) fn look(&self, passed: Passed<'a>) -> Live<'_> {
        self.live(passed)
    }

    /// For as long as nothing allocates, which the caller sees to.
    #[inline]
    fn live(&self, passed: Passed<'a>) -> Live<'a> {
        // SAFETY: an argument of this very call, since `'a` is of no other one; nothing has allocated
        unsafe { Live::new(self.0, passed.raw) }
    }
}

/// Runs the body of a function that OCaml calls, which gives a value that was just made, or just read from its root; or has an
/// exception raised.
///
/// # Safety
/// OCaml called the function with these arguments, which may allocate and call back, and whose frame has nothing to drop. (One that
/// is declared `noalloc` only looks at its arguments.)
#[doc(hidden)]
#[inline]
pub unsafe fn run<const N: usize>(
    arguments: [Raw; N],
    body: impl for<'a> FnOnce(Called<'a>, [Passed<'a>; N]) -> Result<Raw, Raised>,
) -> Raw {
    let passed = arguments.map(Passed::new);
    // SAFETY: by the caller's word; the body has dropped all that is its own when it has returned, and nothing has allocated since
    unsafe {
        let access = lock::called();
        match body(Called(access), passed) {
            Ok(value) => value,
            Err(raised) => raise(access, raised),
        }
    }
}

/// What the body of a function has of an argument.
pub(crate) trait FromPassed<'a> {
    /// # Safety
    /// It is of the type that this stands for.
    unsafe fn of(called: &Called<'a>, passed: Passed<'a>) -> Self;
}

impl<'a> FromPassed<'a> for Passed<'a> {
    #[inline]
    unsafe fn of(_called: &Called<'a>, passed: Passed<'a>) -> Self {
        passed
    }
}

impl<'a, T: Given> FromPassed<'a> for T {
    #[inline]
    unsafe fn of(called: &Called<'a>, passed: Passed<'a>) -> Self {
        // SAFETY: by the caller's word
        unsafe { <T as Given>::of(called.look(passed)) }
    }
}

/// An argument, as its external declares it.
///
/// # Safety
/// It is of the type that `T` stands for.
#[inline]
pub(crate) unsafe fn given<'a, T: FromPassed<'a>>(called: &Called<'a>, passed: Passed<'a>) -> T {
    // SAFETY: by the caller's word
    unsafe { <T as FromPassed>::of(called, passed) }
}
