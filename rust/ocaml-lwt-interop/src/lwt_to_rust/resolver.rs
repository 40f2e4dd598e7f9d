//! [`Resolver`]: Rust's end of a promise that it made for OCaml.

use std::marker::PhantomData;

use ocaml::ToValue;

use crate::caml::Root;
use crate::ending::Ending;
use crate::error::Error;
use crate::executor::{Home, Runnable};
use crate::rust_to_lwt::output::Settled;
use crate::rust_to_lwt::settle::settle;

/// Settles the promise it was made with, once, from any thread; see [`Promise::new`](crate::Promise::new).
///
/// What is bound to the promise runs in the domain's next tick, or later in the one that runs. A promise that was cancelled stays so. Dropping the resolver rejects the promise with
/// `Rust_async.Broken_promise`.
pub struct Resolver<T: ToValue + 'static> {
    root: Option<Root>,
    home: &'static Home,
    value: PhantomData<*const T>,
}

// SAFETY: the root may go anywhere; a `T` is taken where the resolver is and converted at home, which needs `T: Send`
unsafe impl<T: ToValue + Send> Send for Resolver<T> {}
// SAFETY: a shared reference to it gives nothing
unsafe impl<T: ToValue + Send> Sync for Resolver<T> {}

impl<T: ToValue + 'static> Resolver<T> {
    pub(crate) fn new(root: Root, home: &'static Home) -> Self {
        Resolver {
            root: Some(root),
            home,
            value: PhantomData,
        }
    }

    /// Fulfils the promise.
    pub fn resolve(mut self, value: T) {
        self.settle(Ending::Value(Settled::Value(value)));
    }

    /// Rejects the promise.
    pub fn reject(mut self, error: Error) {
        self.settle(Ending::Error(error));
    }

    /// Never settles here and now: a resolver may be dropped, or used by a destructor of the user's, inside an OCaml
    /// finaliser, where OCaml must not be called.
    fn settle(&mut self, ending: Ending<Settled<T>>) {
        let Some(root) = self.root.take() else { return };
        let pair = AssertSend((root, ending));
        self.home
            .queue_anywhere(Runnable::Job(Box::new(move |scope| {
                let (root, ending) = pair.into_inner();
                settle(scope, root, ending);
            })));
    }
}

/// A value that goes home from a thread where it could not have come unless it were `Send`: the handle that takes it is
/// `Send` only then. On the domain thread, outside of a scope, it does not leave the thread.
pub(crate) struct AssertSend<T>(pub(crate) T);

impl<T> AssertSend<T> {
    /// A method, so that a closure captures the whole and not its field.
    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

// SAFETY: as its description says
unsafe impl<T> Send for AssertSend<T> {}

impl<T: ToValue + 'static> Drop for Resolver<T> {
    fn drop(&mut self) {
        self.settle(Ending::Dropped);
    }
}

impl<T: ToValue + 'static> std::fmt::Debug for Resolver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}
