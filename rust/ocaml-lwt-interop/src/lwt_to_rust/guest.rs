//! [`run_blocking_in_ocaml`]: OCaml functions that block, on threads of Tokio's blocking pool.
//!
//! 1. The arguments are converted at home, and so is the result: on the guest nothing of the user's runs but the function.
//! 2. A guest owns what it takes along, and drops it before its answer goes home: who has the answer finds nothing of the
//!    call alive.
//! 3. A call whose future is gone is not begun. One that has begun ends unheard.
//! 4. Whatever becomes of a call (its thread was refused, the executor shuts down, Tokio drops it), its future ends: with
//!    the answer, or by [`Answer`]'s destructor.

use std::sync::Arc;

use ocaml::FromValue;

use super::Subscription;
use super::arguments::IntoArguments;
use super::func::{MOST_ARGUMENTS, OCamlFunc, convert_arguments, value_of_function};
use super::promise::{Awaited, PromiseFuture, Start, Started, Token};
use crate::caml::{self, Guest, Refused, Root, Signals};
use crate::error::Error;
use crate::exception::Exception;
use crate::executor::lifetime::{Status, status};
use crate::executor::{Home, Runnable, Scope};
use crate::runtime::tokio_rt;

/// Runs an OCaml function that blocks, such as one that reads a file or sleeps, on a thread of Tokio's blocking pool,
/// while Lwt goes on. The future may be awaited on any thread; it begins at its first poll, and is `Send` when the arguments
/// and the value are.
///
/// The thread is OCaml's for as long as the call takes, like one of `Thread.create`: it runs OCaml code while it holds the
/// runtime lock, and others run while it blocks in functions that release it, which `Unix`'s and those of channels do.
/// A function that computes has the lock to itself for 50 ms at a time, at the end of which Lwt has its turn. Like any
/// thread that does not run Lwt it must leave promises alone, and a `#[func]` that it calls raises `Rust_async.Misuse`.
/// `Thread.exit` has no meaning there.
///
/// `Lwt_main.run` hands the lock over at the beginning of each turn, while there are such calls and one waits for it:
/// beside a loop that never sleeps they do not wait for OCaml's 50 ms. A main loop that runs none of Lwt's hooks (lwt_eio's)
/// does so only when it sleeps; one that is busy all the time releases the lock for a moment in each turn of its engine,
/// which is mostly, and not always, enough.
///
/// Dropping the future before the function has begun keeps it from beginning. One that has begun runs to its end, of which
/// nobody hears.
///
/// # Errors
/// The exception that it raised, the same one, with its backtrace; or its value does not convert; or an argument panicked
/// when it was converted; or the executor has shut down: a broken promise.
pub fn run_blocking_in_ocaml<Args, Ret>(
    function: &OCamlFunc<Args, Ret>,
    arguments: Args,
) -> BlockingFuture<Args, Ret>
where
    Args: IntoArguments + 'static,
    Ret: FromValue + 'static,
{
    let (home, function) = function.parts();
    let call = BlockingCall {
        home,
        function,
        arguments,
    };
    PromiseFuture::new(home, true, call)
}

/// The future of [`run_blocking_in_ocaml`].
pub type BlockingFuture<Args, Ret> = PromiseFuture<Ret, BlockingCall<Args>>;

/// A call to be made.
#[doc(hidden)]
pub struct BlockingCall<Args> {
    home: &'static Home,
    function: Arc<Root>,
    arguments: Args,
}

impl<Args: IntoArguments + 'static> Start for BlockingCall<Args> {
    const CALLS: bool = true;

    fn start(self, scope: Token<'_>) -> Result<Started, Error> {
        let values = convert_arguments(scope.0, self.arguments)?;
        let arguments = values.as_ref().iter();
        Ok(Started(Awaited::Guest(Box::new(GuestCall {
            home: self.home,
            function: self.function,
            // SAFETY: a scope holds the lock; each is rooted by its `Value`
            arguments: arguments
                .map(|value| unsafe { Root::new(value.raw()) })
                .collect(),
            signals: Signals::of_this_thread(),
        }))))
    }
}

/// A call on its way to a guest.
pub(super) struct GuestCall {
    home: &'static Home,
    function: Arc<Root>,
    arguments: Vec<Root>,
    /// Those of home.
    signals: Signals,
}

impl GuestCall {
    /// Has a thread of the blocking pool make the call. Needs no lock.
    pub(super) fn begin<T: FromValue + 'static>(
        self: Box<Self>,
        subscription: Arc<Subscription<T>>,
    ) {
        let answer = Answer(Some(subscription));
        // After shutdown it is dropped at once.
        drop(tokio_rt().spawn_blocking(move || self.make(answer)));
    }

    /// On the thread of the pool.
    fn make<T: FromValue + 'static>(self, answer: Answer<T>) {
        let home = self.home;
        // Looked at again with the lock, for which it may wait long.
        if !answer.is_awaited() {
            return;
        }
        let called = caml::as_guest(self.signals, |guest| {
            answer.is_awaited().then(|| self.call(guest))
        });
        drop(self);
        match called {
            Ok(Some(result)) => answer.send(home, result),
            Ok(None) => {}
            Err(refused) => answer.send(
                home,
                Err(Error::misuse(match refused {
                    Refused::NoThreads => {
                        "run_blocking_in_ocaml was called in a program without OCaml's threads: add threads.posix to its \
                         libraries"
                    }
                    Refused::NotTaken => {
                        "run_blocking_in_ocaml was given a thread that OCaml's runtime does not take: somebody else has \
                         registered it, or there is no memory for another thread"
                    }
                })),
            ),
        }
    }

    /// Runs the function.
    fn call(&self, guest: &Guest) -> Result<Root, Error> {
        let mut raws = [caml::UNIT; MOST_ARGUMENTS];
        // SAFETY: a guest holds the lock; the function and the arguments are rooted until the call takes them over; what
        // comes back is rooted before anything can allocate
        unsafe {
            for (raw, root) in raws.iter_mut().zip(&self.arguments) {
                *raw = root.get();
            }
            let ended = guest.call(self.function.get(), &mut raws[..self.arguments.len()]);
            if status() == Status::Forked {
                // The function has forked, and this is the child, which has no other thread: it ends, as when the function
                // of an OCaml thread returns there.
                libc::_exit(0);
            }
            match ended {
                Ok(value) => Ok(Root::new(value)),
                Err(exception) => Err(Exception::capture_on_guest(guest, self.home, exception)
                    .map_or_else(|misuse| misuse, Error::from_exception)),
            }
        }
    }
}

/// Whom a guest answers. Dropped without an answer it breaks the promise.
struct Answer<T: FromValue + 'static>(Option<Arc<Subscription<T>>>);

impl<T: FromValue + 'static> Answer<T> {
    fn is_awaited(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|subscription| subscription.slot.is_waiting())
    }

    /// After shutdown the answer is dropped on the way.
    fn send(self, home: &'static Home, result: Result<Root, Error>) {
        home.queue_anywhere(Runnable::Job(Box::new(move |scope| {
            self.give(scope, result);
        })));
    }

    /// At home.
    fn give(mut self, scope: &Scope, result: Result<Root, Error>) {
        let Some(subscription) = self.0.take().filter(|it| it.slot.is_waiting()) else {
            return;
        };
        let ended = result.and_then(|root| {
            // SAFETY: a scope holds the lock
            let value = unsafe { caml::protect(root.get()) };
            drop(root);
            value_of_function(value)
        });
        subscription.put(scope.at(), ended);
    }
}

impl<T: FromValue + 'static> Drop for Answer<T> {
    fn drop(&mut self) {
        if let Some(subscription) = self.0.take() {
            subscription.break_promise();
        }
    }
}
