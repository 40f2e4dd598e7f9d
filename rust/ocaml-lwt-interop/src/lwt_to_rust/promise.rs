//! [`Promise`] and the future that awaits it.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ocaml::{FromValue, Runtime, ToValue};

use super::func::value_of_function;
use super::guest::GuestCall;
use super::resolver::{AssertSend, Resolver};
use super::{Subscription, cancel, look};
use crate::caml::{self, Callback, Root};
use crate::error::Error;
use crate::exception;
use crate::executor::{Home, Key, Runnable, Scope};

/// A Lwt promise, `'a Lwt.t`, whose value converts to `T`.
///
/// `promise.await` gives `Result<T, Error>` on any thread; a promise that is settled already is ready at the first
/// poll, at home. The value is converted on the domain thread when the promise is resolved. Dropping the future cancels
/// the promise, as `Lwt.cancel` does; see [`Promise::protected`].
///
/// A handle: it keeps the promise alive, may be sent to and dropped on any thread (when `T` is `Send`, since `T` is made
/// at home and taken where the future is polled), and goes back to OCaml as the promise it is.
pub struct Promise<T> {
    root: Root,
    home: &'static Home,
    cancel: bool,
    value: PhantomData<*const T>,
}

// SAFETY: the root may go anywhere; a `T` is made at home and given to whoever polls, which needs `T: Send`
unsafe impl<T: Send> Send for Promise<T> {}
// SAFETY: a shared promise gives nothing but duplicates of itself
unsafe impl<T: Send> Sync for Promise<T> {}

impl<T> Promise<T> {
    /// # Safety
    /// `root` is a promise.
    pub(crate) unsafe fn from_root(root: Root, home: &'static Home) -> Self {
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
    /// On a thread that does not run Lwt, and when OCaml raises an asynchronous exception (`Sys.Break`) meanwhile.
    pub fn new(runtime: &Runtime) -> (Promise<T>, Resolver<T>)
    where
        T: ToValue + 'static,
    {
        crate::domain_executor::with_lwt_scope_of(runtime, "a Lwt promise was asked for", |scope| {
            let mut arguments = [caml::int(Key::NONE.to_int()), caml::bool(false)];
            // SAFETY: `int -> bool -> 'a Lwt.t * 'a Lwt.u`; the pair is read before anything can allocate
            unsafe {
                let Ok(pair) = scope.home().call(scope, Callback::Pending, &mut arguments) else {
                    panic!("OCaml raised an exception while a promise was made");
                };
                let (promise, resolver) = (
                    Root::new(caml::field(pair, 0)),
                    Root::new(caml::field(pair, 1)),
                );
                (
                    Promise::from_root(promise, scope.home()),
                    Resolver::new(scope, resolver),
                )
            }
        })
    }

    /// The same promise, and dropping its future leaves it alone: `Lwt.protected`.
    #[must_use]
    pub fn protected(mut self) -> Self {
        self.cancel = false;
        self
    }
}

impl<T: FromValue + 'static> IntoFuture for Promise<T> {
    type Output = Result<T, Error>;
    type IntoFuture = PromiseFuture<T>;

    fn into_future(self) -> PromiseFuture<T> {
        PromiseFuture::new(self.home, self.cancel, Existing(self.root))
    }
}

// SAFETY: rooted at once, before anything can allocate
unsafe impl<T> FromValue for Promise<T> {
    /// # Panics
    /// On a thread without a domain executor.
    fn from_value(value: ocaml::Value) -> Self {
        // Finding its home may start the executor, which may collect.
        let value = value.root();
        let home = exception::home_of_conversion("an OCaml promise");
        // SAFETY: a conversion runs with the lock held, on a live value, which is a promise by the declaration
        unsafe { Promise::from_root(Root::new(value.raw()), home) }
    }
}

// SAFETY: gives the value that it keeps alive
unsafe impl<T> ToValue for Promise<T> {
    fn to_value(&self, _runtime: &Runtime) -> ocaml::Value {
        // SAFETY: a conversion runs with the lock held
        unsafe { caml::protect(self.root.get()) }
    }
}

impl<T> std::fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Promise")
    }
}

/// What gives that which is awaited; run at home, at the first poll.
#[doc(hidden)]
pub trait Start: 'static {
    /// Whether it calls a function, which it does not for a future that is gone.
    #[doc(hidden)]
    const CALLS: bool;
    /// What there is now, or what calling for it raised. Runs OCaml code.
    #[doc(hidden)]
    fn start(self, scope: Token<'_>) -> Result<Started, Error>;
}

/// What a start gives.
#[doc(hidden)]
pub struct Started(pub(super) Awaited);

/// Where the value comes from.
pub(super) enum Awaited {
    /// A promise, which may be pending.
    Promise(ocaml::Value),
    /// It is there.
    Value(ocaml::Value),
    /// A call that another thread is to make. In a box: it is large, and each call of a function moves this about.
    Guest(Box<GuestCall>),
}

/// The scope of a poll, without its private type.
#[doc(hidden)]
pub struct Token<'a>(pub(crate) &'a Scope);

/// A promise that exists.
#[doc(hidden)]
pub struct Existing(Root);

impl Start for Existing {
    const CALLS: bool = false;

    fn start(self, _scope: Token<'_>) -> Result<Started, Error> {
        // SAFETY: a scope holds the lock
        Ok(Started(Awaited::Promise(unsafe {
            caml::protect(self.0.get())
        })))
    }
}

/// The future of a [`Promise`]. `Send` when `T` is.
///
/// Dropping it cancels the promise, from any thread: at home in the next tick at the latest.
#[must_use = "futures do nothing unless they are awaited"]
pub struct PromiseFuture<T: FromValue + 'static, S: Start = Existing> {
    home: &'static Home,
    cancel: bool,
    stage: Stage<T, S>,
    value: PhantomData<*const T>,
}

enum Stage<T, S> {
    /// Not polled yet.
    Start(S),
    /// The promise was pending, or is being looked at at home.
    Waiting(Arc<Subscription<T>>),
    Done,
}

// SAFETY: `S` is `Send` or asserted by the handle that made the future; a `T` is made at home and taken where the
// future is polled
unsafe impl<T: FromValue + Send, S: Start + Send> Send for PromiseFuture<T, S> {}
// SAFETY: a shared reference to it gives nothing
unsafe impl<T: FromValue + Send, S: Start + Send> Sync for PromiseFuture<T, S> {}

// Nothing in it is pinned.
impl<T: FromValue + 'static, S: Start> Unpin for PromiseFuture<T, S> {}

impl<T: FromValue + 'static, S: Start> PromiseFuture<T, S> {
    pub(crate) fn new(home: &'static Home, cancel: bool, start: S) -> Self {
        PromiseFuture {
            home,
            cancel,
            stage: Stage::Start(start),
            value: PhantomData,
        }
    }

    /// Dropping the future leaves the promise alone: `Lwt.protected`.
    pub fn protected(mut self) -> Self {
        self.cancel = false;
        self
    }

    /// The first poll: at home the promise is looked at here and now, and nothing is made for one that is settled, or for
    /// a value that is there; elsewhere the start is sent home, and there is no answer yet.
    fn first_poll(&mut self, start: S, waker: &Waker) -> Option<Poll<Result<T, Error>>> {
        let home = self.home;
        let mut start = Some(start);
        let looked = Scope::with_current(home, |scope| {
            let promise = match start.take()?.start(Token(scope)) {
                Ok(Started(Awaited::Promise(promise))) => promise,
                Ok(Started(Awaited::Value(value))) => {
                    return Some(Poll::Ready(value_of_function(value)));
                }
                Ok(Started(Awaited::Guest(call))) => {
                    let subscription = Subscription::new(home);
                    self.stage = Stage::Waiting(subscription.clone());
                    call.begin(subscription);
                    return None;
                }
                Err(error) => return Some(Poll::Ready(Err(error))),
            };
            Some(match look(scope, &promise) {
                Some(ended) => Poll::Ready(ended),
                None => {
                    let subscription = Subscription::waiting(scope, &promise, self.cancel, waker);
                    self.stage = Stage::Waiting(subscription);
                    Poll::Pending
                }
            })
        });
        if let Some(start) = start {
            let subscription = Subscription::new(home);
            self.stage = Stage::Waiting(subscription.clone());
            // After shutdown the job is dropped here, which breaks the promise.
            let job = AssertSend(SendHome {
                start: Some(start),
                cancel: self.cancel,
                subscription,
            });
            home.queue_anywhere(Runnable::Job(Box::new(move |scope| {
                job.into_inner().run(scope)
            })));
        }
        looked.flatten()
    }
}

impl<T: FromValue + 'static, S: Start> Future for PromiseFuture<T, S> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match std::mem::replace(&mut this.stage, Stage::Done) {
            Stage::Start(start) => {
                if let Some(looked) = this.first_poll(start, context.waker()) {
                    return looked;
                }
            }
            Stage::Waiting(subscription) => this.stage = Stage::Waiting(subscription),
            Stage::Done => panic!("a PromiseFuture was polled after it was ready"),
        }
        let Stage::Waiting(subscription) = &this.stage else {
            unreachable!("a first poll without an answer leaves it waiting");
        };
        let ended = std::task::ready!(subscription.slot.poll(context.waker()));
        this.stage = Stage::Done;
        Poll::Ready(ended)
    }
}

impl<T: FromValue + 'static, S: Start> Drop for PromiseFuture<T, S> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            // Whether a future was polled is chance: `select!` begins where it likes. So this makes no difference to a
            // promise, which is pending whether somebody looks at it or not.
            Stage::Start(start) if self.cancel && !S::CALLS => {
                let start = AssertSend(start);
                self.home
                    .queue_anywhere(Runnable::Settle(Box::new(move |scope| {
                        if let Ok(Started(Awaited::Promise(promise))) =
                            start.into_inner().start(Token(scope))
                        {
                            cancel(scope, &promise);
                        }
                    })));
            }
            Stage::Start(_) | Stage::Done => {}
            Stage::Waiting(subscription) => subscription.close(self.cancel),
        }
    }
}

/// The start of a future on its way home. Dropped on the way, when the executor shuts down, it breaks the promise.
struct SendHome<T: FromValue + 'static, S: Start> {
    start: Option<S>,
    cancel: bool,
    subscription: Arc<Subscription<T>>,
}

impl<T: FromValue + 'static, S: Start> SendHome<T, S> {
    fn run(mut self, scope: &Scope) {
        // A future that was dropped on the way does not call the function; a promise that exists is cancelled.
        if let Some(start) = self
            .start
            .take()
            .filter(|_| !S::CALLS || self.subscription.slot.is_waiting())
        {
            let started = start.start(Token(scope));
            self.subscription.attach(scope, started, self.cancel);
        }
    }
}

impl<T: FromValue + 'static, S: Start> Drop for SendHome<T, S> {
    fn drop(&mut self) {
        if self.start.is_some() {
            self.subscription.break_promise();
        }
    }
}
