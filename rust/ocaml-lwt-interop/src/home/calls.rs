//! How an executor calls the OCaml functions of the bridge.

use super::{Home, Scope, disturbed};
use crate::caml::{Arguments, Function, Given, Typed, process_pending, types};

/// How often [`Home::ask`] calls. So many exceptions in a row are no signals; something is wrong that will not change (a stack
/// that has no room, `Gc.Memprof` with a callback that always raises).
pub(crate) const MOST_CALLS: u32 = 1000;

impl Home {
    /// Calls one of the OCaml functions of the bridge, once. Runs OCaml code, may collect; does not raise.
    #[inline]
    pub(crate) fn call<A, R: Given>(
        &self,
        scope: &Scope,
        function: &Function<A, R>,
        arguments: &impl Arguments<A>,
    ) -> Result<R, Typed<types::Exception>> {
        let result = self.callbacks.call(scope.access(), function, arguments);
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
    #[inline]
    pub(crate) fn ask<A, R: Given>(
        &'static self,
        scope: &Scope,
        function: &Function<A, R>,
        arguments: &impl Arguments<A>,
    ) -> Result<R, Typed<types::Exception>> {
        self.handle_pending(scope);
        self.call_until_returned(scope, function, arguments)
    }

    /// The same where signals were looked for.
    #[inline]
    pub(crate) fn call_until_returned<A, R: Given>(
        &'static self,
        scope: &Scope,
        function: &Function<A, R>,
        arguments: &impl Arguments<A>,
    ) -> Result<R, Typed<types::Exception>> {
        match self.call(scope, function, arguments) {
            Err(exception) => self.call_again(scope, function, exception, arguments),
            done => done,
        }
    }

    #[cold]
    fn call_again<A, R: Given>(
        &'static self,
        scope: &Scope,
        function: &Function<A, R>,
        mut exception: Typed<types::Exception>,
        arguments: &impl Arguments<A>,
    ) -> Result<R, Typed<types::Exception>> {
        for _ in 1..MOST_CALLS {
            self.escape(scope, &exception);
            match self.call(scope, function, arguments) {
                Err(another) => exception = another,
                done => return done,
            }
        }
        self.escape(scope, &exception);
        Err(exception)
    }

    /// Runs what OCaml has pending: handlers of signals that came while Rust ran, finalisers. What they raise escapes.
    #[inline]
    pub(crate) fn handle_pending(&'static self, scope: &Scope) {
        if let Err(exception) = process_pending(scope.access()) {
            self.escape(scope, &exception);
        }
    }
}
