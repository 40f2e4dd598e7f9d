//! [`Resolver`]: Rust's end of a promise that it made for OCaml.

use std::marker::PhantomData;
use std::sync::Mutex;

use super::output::Settled;
use super::settle::{ResolverRoot, settle};
use crate::conversion::ToOCaml;
use crate::ending::Ending;
use crate::error::Error;
use crate::home::{AssertSend, Home, Key, Runnable, Scope};

/// Settles the promise it was made with, once, from any thread; see [`Promise::new`](crate::Promise::new).
///
/// OCaml code that is bound to the promise runs in the tick that runs now, or in the next one. A promise that was cancelled
/// stays so. Dropping the resolver rejects the promise with `Rust_async.Broken_promise`. So do `Rust_async.shutdown`, and a
/// `fork`, in the child.
///
/// ```
/// use ocaml_lwt_interop::{Promise, Resolver, ocaml_runtime};
///
/// /// A promise that another thread resolves.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn resolved_by_a_thread() -> Promise<isize> {
///     let (promise, resolver): (_, Resolver<isize>) = Promise::new(&ocaml_runtime());
///     std::thread::spawn(move || resolver.resolve(42));
///     promise
/// }
/// ```
pub struct Resolver<T: ToOCaml + 'static> {
    /// Where home keeps the promise; taken when it is settled.
    key: Option<Key>,
    home: &'static Home,
    /// A `T` is taken where the resolver is and converted at home, and a shared reference gives nothing: `Send` and `Sync` when
    /// `T` is `Send`, as a mutex is.
    value: PhantomData<Mutex<T>>,
}

impl<T: ToOCaml + 'static> Resolver<T> {
    pub(crate) fn new(scope: &Scope, root: ResolverRoot) -> Self {
        let home = scope.home();
        let key = home.local(scope.at()).resolvers.borrow_mut().insert(root);
        Resolver {
            key: Some(key),
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
        let Some(key) = self.key.take() else { return };
        let ending = AssertSend(ending);
        self.home
            .queue_anywhere(Runnable::Settle(Box::new(move |scope| {
                let resolvers = &scope.home().local(scope.at()).resolvers;
                let root = resolvers.borrow_mut().remove(key);
                // Gone after shutdown, which has rejected the promise.
                if let Some(root) = root {
                    settle(scope, root, ending.into_inner());
                }
            })));
    }
}

impl<T: ToOCaml + 'static> Drop for Resolver<T> {
    fn drop(&mut self) {
        self.settle(Ending::Dropped);
    }
}

impl<T: ToOCaml + 'static> std::fmt::Debug for Resolver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}
