//! How an executor calls the OCaml functions of the bridge.

use super::{Home, Scope, disturbed};
use crate::caml::{Arguments, Callback, Function, Raw, Returned, Root};

/// How often [`Home::call_until_done`] calls. So many exceptions in a row are no signals; something is wrong that will not
/// change (a stack that has no room, `Gc.Memprof` with a callback that always raises).
pub(crate) const MOST_CALLS: u32 = 1000;

impl Home {
    /// Calls one of the OCaml functions of the bridge.
    ///
    /// # Safety
    /// `arguments` are live and of the types that the callback takes. Runs OCaml code, may collect; does not raise. The
    /// result is not rooted.
    #[inline]
    pub(crate) unsafe fn call(
        &self,
        scope: &Scope,
        callback: Callback,
        arguments: &mut [Raw],
    ) -> Result<Raw, Raw> {
        // SAFETY: the caller's word
        let result = unsafe { self.callbacks.call(scope.access(), callback, arguments) };
        if result.is_err() {
            disturbed();
        }
        result
    }

    /// As [`Home::call`], for what must not be left half done: repeats the call until it returns. What it raises is
    /// asynchronous (`Sys.Break`, the exception of a signal handler, of a finaliser, of `Gc.Memprof`): it may come at any
    /// allocation, has nothing to do with the call, and [escapes](Home::escape). So the function is one that may be called again
    /// after it was left anywhere.
    ///
    /// Signals that came while Rust ran are handled before: Lwt's own functions are left half way as rarely as can be.
    ///
    /// The error is the last exception, when an exception came [each time](MOST_CALLS). It has escaped as well.
    ///
    /// # Safety
    /// As for [`Home::call`], for what `arguments` gives each time.
    #[inline]
    pub(crate) unsafe fn call_until_done<const N: usize>(
        &'static self,
        scope: &Scope,
        callback: Callback,
        arguments: impl Fn() -> [Raw; N],
    ) -> Result<Raw, Raw> {
        self.handle_pending(scope);
        // SAFETY: as the caller's
        unsafe { self.call_until_returned(scope, callback, arguments) }
    }

    /// The same where signals were looked for.
    ///
    /// # Safety
    /// As for [`Home::call_until_done`].
    #[inline]
    pub(crate) unsafe fn call_until_returned<const N: usize>(
        &'static self,
        scope: &Scope,
        callback: Callback,
        arguments: impl Fn() -> [Raw; N],
    ) -> Result<Raw, Raw> {
        // SAFETY: as the caller's
        unsafe {
            match self.call(scope, callback, &mut arguments()) {
                Err(exception) => self.call_again(scope, callback, exception, &arguments),
                done => done,
            }
        }
    }

    /// # Safety
    /// As for [`Home::call_until_done`]; the exception is live.
    #[cold]
    unsafe fn call_again<const N: usize>(
        &'static self,
        scope: &Scope,
        callback: Callback,
        mut exception: Raw,
        arguments: &dyn Fn() -> [Raw; N],
    ) -> Result<Raw, Raw> {
        // SAFETY: as the caller's; an exception is kept before anything can allocate
        unsafe {
            for _ in 1..MOST_CALLS {
                self.escape(scope, exception);
                match self.call(scope, callback, &mut arguments()) {
                    Err(another) => exception = another,
                    done => return done,
                }
            }
            self.escape(scope, exception);
        }
        Err(exception)
    }

    /// The same for a function whose types are known. The error is the last exception.
    #[inline]
    pub(crate) fn ask<A, R: Returned>(
        &'static self,
        scope: &Scope,
        function: &Function<A, R>,
        arguments: &impl Arguments<A>,
    ) -> Result<R, ocaml::Value> {
        self.handle_pending(scope);
        let access = scope.access();
        let mut calls = 1;
        loop {
            let ended = self.callbacks.ask(access, function, arguments);
            let Err(exception) = ended else { return ended };
            disturbed();
            self.escape_rooted(scope, Root::of(access, &exception));
            if calls == MOST_CALLS {
                return Err(exception);
            }
            calls += 1;
        }
    }

    /// Runs what OCaml has pending: handlers of signals that came while Rust ran, finalisers. What they raise escapes.
    #[inline]
    pub(crate) fn handle_pending(&'static self, scope: &Scope) {
        if let Err(exception) = crate::caml::process_pending(scope.access()) {
            // SAFETY: just returned
            unsafe { self.escape(scope, exception) };
        }
    }
}
