//! [`Promise`] and the future that awaits it.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use ocaml::Runtime;
use tokio::task::coop::poll_proceed;

use super::awaited::{Awaitable, Awaited, Begun, PollScope, value_of_function};
use super::blocking_threads;
use super::subscription::{Subscription, cancel, state_of};
use crate::caml::lock::demand;
use crate::caml::{Root, TypedRoot, convert, types};
use crate::conversion::declare::{Going, OCamlType, Type};
use crate::conversion::{FromOCaml, ToOCaml, whole};
use crate::error::Error;
use crate::executor::ocaml_runtime::with_lwt_scope_of;
use crate::home::{AssertSend, Home, Key, Runnable, Scope};
use crate::received;
use crate::rust_to_lwt::resolver::Resolver;
use crate::rust_to_lwt::settle::pending;
use crate::status::{Status, status};
use crate::storage::{From, Storage};

/// A Lwt promise, `'a Lwt.t`, whose value converts to `T`.
///
/// `promise.await` gives `Result<T, Error>`, on any thread. At home, a promise that is settled already is ready at the first
/// poll. The value is converted on the domain thread, when the promise is resolved. Dropping the future cancels the promise,
/// as `Lwt.cancel` does; see [`Promise::protected`].
///
/// It is a handle: it keeps the promise alive, and may be sent to any thread and dropped there. (`T` has to be `Send` for
/// that, since a `T` is made at home and taken where the future is polled.) It goes back to OCaml as the same promise.
///
/// ```
/// use ocaml_lwt_interop::{Error, Promise};
///
/// /// OCaml has `sum_of_promises : int Lwt.t -> int Lwt.t -> int Lwt.t`.
/// #[ocaml_lwt_interop::func]
/// pub async fn sum_of_promises(a: Promise<isize>, b: Promise<isize>) -> Result<isize, Error> {
///     Ok(a.await? + b.await?)
/// }
/// ```
pub struct Promise<T> {
    root: TypedRoot<types::Promise>,
    home: &'static Home,
    cancel: bool,
    /// A `T` is made at home and given to whoever polls, and a shared promise gives nothing but duplicates of itself: `Send` and
    /// `Sync` when `T` is `Send`, as a mutex is.
    value: PhantomData<Mutex<T>>,
}

impl<T> Promise<T> {
    pub(crate) fn from_root(root: TypedRoot<types::Promise>, home: &'static Home) -> Self {
        Promise {
            root,
            home,
            cancel: true,
            value: PhantomData,
        }
    }

    /// A pending promise for OCaml, and the resolver that settles it, from any thread.
    ///
    /// # Panics
    /// Where [`ocaml_runtime`](crate::ocaml_runtime) does, and on worker domains.
    pub fn new(runtime: &Runtime) -> (Promise<T>, Resolver<T>)
    where
        T: ToOCaml + 'static,
    {
        with_lwt_scope_of(runtime, "a Lwt promise was asked for", |scope| {
            let Some((promise, resolver)) = pending(scope, Key::NONE, false) else {
                panic!("OCaml raises an exception whenever a promise is made");
            };
            let promise = Promise::from_root(promise, scope.home());
            (promise, Resolver::new(scope, resolver))
        })
    }

    /// The same promise, which is left alone when its future is dropped: `Lwt.protected`.
    #[must_use]
    pub fn protected(mut self) -> Self {
        self.cancel = false;
        self
    }
}

impl<T: FromOCaml + 'static> IntoFuture for Promise<T> {
    type Output = Result<T, Error>;
    type IntoFuture = PromiseFuture<T>;

    fn into_future(self) -> PromiseFuture<T> {
        PromiseFuture::new(self.home, self.cancel, Existing(self.root))
    }
}

convert! {
    from [T] Promise<T>, |value| received::at_home("an OCaml promise was received", |access, home| {
        // SAFETY: a promise by the declaration
        let root = unsafe { TypedRoot::new(Root::of(access, &value)) };
        Promise::from_root(root, home)
    });
    to [T] Promise<T>, |this, _runtime| demand("a promise was converted to an OCaml value", |access| {
        this.root.typed(access).into_value()
    });
}

whole! {
    from [T: FromOCaml] Promise<T>;
    to [T: OCamlType<Going>] Promise<T>;
    declare [T: OCamlType<Direction>] Promise<T>, |types| Type::applied("Lwt.t", [T::ocaml_type(types)]);
}

impl<T> std::fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Promise")
    }
}

/// A promise that exists.
#[doc(hidden)]
pub struct Existing(TypedRoot<types::Promise>);

impl Awaitable for Existing {
    const CALLS: bool = false;

    fn begin(self, scope: PollScope<'_>) -> Result<Begun, Error> {
        Ok(Begun(Awaited::Promise(self.0.typed(scope.0.access()))))
    }
}

/// The future of a [`Promise`]. `Send` when `T` is.
///
/// Dropping it cancels the promise, from any thread: at home in the next tick at the latest.
///
/// ```
/// use ocaml_lwt_interop::{Error, Promise, PromiseFuture};
///
/// /// The value of the promise that is resolved first. The other promise is cancelled.
/// #[ocaml_lwt_interop::func]
/// pub async fn first_of(a: Promise<isize>, b: Promise<isize>) -> Result<isize, Error> {
///     let a: PromiseFuture<isize> = a.into_future();
///     tokio::select! {
///         value = a => value,
///         value = b => value,
///     }
/// }
/// ```
#[must_use = "futures do nothing unless they are awaited"]
pub struct PromiseFuture<T: FromOCaml + 'static, S: Awaitable = Existing> {
    home: &'static Home,
    cancel: bool,
    stage: Stage<T, S>,
    value: PhantomData<*const T>,
}

enum Stage<T, S> {
    /// Not polled yet.
    Unpolled(S),
    /// The promise was pending, or is being looked at at home.
    Waiting(Arc<Subscription<T>>),
    Done,
}

// SAFETY: `S` is `Send` or asserted by the handle that made the future; a `T` is made at home and taken where the
// future is polled
unsafe impl<T: FromOCaml + Send, S: Awaitable + Send> Send for PromiseFuture<T, S> {}
// SAFETY: a shared reference to it gives nothing
unsafe impl<T: FromOCaml + Send, S: Awaitable + Send> Sync for PromiseFuture<T, S> {}

// Nothing in it is pinned.
impl<T: FromOCaml + 'static, S: Awaitable> Unpin for PromiseFuture<T, S> {}

impl<T: FromOCaml + 'static, S: Awaitable> PromiseFuture<T, S> {
    pub(crate) fn new(home: &'static Home, cancel: bool, awaitable: S) -> Self {
        PromiseFuture {
            home,
            cancel,
            stage: Stage::Unpolled(awaitable),
            value: PhantomData,
        }
    }

    /// Dropping the future leaves the promise alone: `Lwt.protected`.
    pub fn protected(mut self) -> Self {
        self.cancel = false;
        self
    }

    /// The first poll: at home the promise is looked at here and now, and nothing is made for one that is settled, or for
    /// a value that is there; on another thread it begins at home, and there is no answer yet.
    fn first_poll(&mut self, awaitable: S, waker: &Waker) -> Option<Poll<Result<T, Error>>> {
        let home = self.home;
        let mut awaitable = Some(awaitable);
        let first = Scope::with_current(home, |scope| {
            let promise = match awaitable.take()?.begin(PollScope(scope)) {
                Ok(Begun(Awaited::Promise(promise))) => promise,
                Ok(Begun(Awaited::Value(value))) => {
                    return Some(Poll::Ready(value_of_function(value)));
                }
                Ok(Begun(Awaited::BlockingCall(call))) => {
                    let subscription = Subscription::new(home);
                    self.stage = Stage::Waiting(subscription.clone());
                    blocking_threads::submit(scope, call, subscription);
                    return None;
                }
                Err(error) => return Some(Poll::Ready(Err(error))),
            };
            Some(match state_of(scope, &promise) {
                Some(ended) => Poll::Ready(ended),
                None => {
                    let subscription = Subscription::waiting(scope, &promise, self.cancel, waker);
                    self.stage = Stage::Waiting(subscription);
                    Poll::Pending
                }
            })
        });
        if let Some(awaitable) = awaitable {
            if status() == Status::Forked {
                return Some(Poll::Ready(Err(Error::misuse(
                    "a promise or an OCaml function was awaited on another thread in the child of a fork, where the domain \
                     thread does nothing for others: fork before the first call of a Rust function",
                ))));
            }
            let subscription = Subscription::new(home);
            self.stage = Stage::Waiting(subscription.clone());
            // After shutdown the job is dropped here, which breaks the promise.
            let storage = Storage::running().unwrap_or_else(|| awaitable.storage().0);
            let job = AssertSend(SendHome {
                awaitable: Some(awaitable),
                cancel: self.cancel,
                subscription,
            });
            home.queue_anywhere(Runnable::Job(Box::new(move |scope| {
                storage.bind(scope, From::Tick, || job.into_inner().run(scope));
            })));
        }
        first.flatten()
    }
}

impl<T: FromOCaml + 'static, S: Awaitable> Future for PromiseFuture<T, S> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let coop = ready!(poll_proceed(context));
        match std::mem::replace(&mut this.stage, Stage::Done) {
            Stage::Unpolled(awaitable) => {
                if let Some(first) = this.first_poll(awaitable, context.waker()) {
                    if first.is_ready() {
                        coop.made_progress();
                    }
                    return first;
                }
            }
            Stage::Waiting(subscription) => this.stage = Stage::Waiting(subscription),
            Stage::Done => panic!("a PromiseFuture was polled after it was ready"),
        }
        let Stage::Waiting(subscription) = &this.stage else {
            unreachable!("a first poll without an answer leaves it waiting");
        };
        let ended = ready!(subscription.slot.poll(context.waker()));
        coop.made_progress();
        this.stage = Stage::Done;
        Poll::Ready(ended)
    }
}

impl<T: FromOCaml + 'static, S: Awaitable> Drop for PromiseFuture<T, S> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            // Whether a future was polled is chance: `select!` begins where it likes. So this makes no difference to a
            // promise, which is pending whether somebody looks at it or not.
            Stage::Unpolled(awaitable) if self.cancel && !S::CALLS => {
                let awaitable = AssertSend(awaitable);
                self.home
                    .queue_anywhere(Runnable::Settle(Box::new(move |scope| {
                        if let Ok(Begun(Awaited::Promise(promise))) =
                            awaitable.into_inner().begin(PollScope(scope))
                        {
                            cancel(scope, &promise);
                        }
                    })));
            }
            Stage::Unpolled(_) | Stage::Done => {}
            Stage::Waiting(subscription) => subscription.close(self.cancel),
        }
    }
}

/// The awaitable of a future on its way home. Dropped on the way, when the executor shuts down, it breaks the promise.
struct SendHome<T: FromOCaml + 'static, S: Awaitable> {
    awaitable: Option<S>,
    cancel: bool,
    subscription: Arc<Subscription<T>>,
}

impl<T: FromOCaml + 'static, S: Awaitable> SendHome<T, S> {
    fn run(mut self, scope: &Scope) {
        // A future that was dropped on the way does not call the function; a promise that exists is cancelled.
        if let Some(awaitable) = self
            .awaitable
            .take()
            .filter(|_| !S::CALLS || self.subscription.slot.is_waiting())
        {
            let begun = awaitable.begin(PollScope(scope));
            self.subscription.attach(scope, begun, self.cancel);
        }
    }
}

impl<T: FromOCaml + 'static, S: Awaitable> Drop for SendHome<T, S> {
    fn drop(&mut self) {
        if self.awaitable.is_some() {
            self.subscription.break_promise();
        }
    }
}
