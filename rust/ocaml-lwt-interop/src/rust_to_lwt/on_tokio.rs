//! Bodies that run on Tokio's threads: `#[func(tokio)]`, a future on its workers, and `#[func(blocking)]`, a call on its
//! threads for code that blocks. At home there is a task, as for any other function. Its future, [`OnTokio`], awaits
//! Tokio's task.
//!
//! 1. The first poll at home starts the body, and is pending, however fast the body is. So it is no matter of luck whether
//!    OCaml gets a pending promise.
//! 2. While a body runs, `domain_executor::handle()` gives the executor that it was called from.
//! 3. What was bound to Lwt's keys at the call is bound in what a body calls: its storage goes with it.
//! 4. The ending is made where the body ran. So only the value has to be `Send`, and an error that does not leave that
//!    thread need not be.
//! 5. When the future at home is dropped, Tokio's task is aborted. A worker drops its future, at the next `.await`. A call
//!    on a thread for code that blocks runs to its end, unless it has not begun.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use ocaml::CamlError;
use tokio::task::JoinHandle;

use super::argument::{ArgumentError, Arguments, Signature};
use super::output::{Outcome, Settled};
use super::stub::rust_to_lwt_by;
use crate::caml::{Called, Passed, Raised, Raw};
use crate::conversion::ToOCaml;
use crate::ending::Ending;
use crate::error::Error;
use crate::handles::Handle;
use crate::home::AtHome;
use crate::panic::catch;
use crate::runtime::tokio_rt;
use crate::storage::Storage;

/// Called by the stub of a `#[func(tokio)]`. As `rust_to_lwt`.
#[doc(hidden)]
#[inline]
pub fn rust_to_lwt_on_workers<'f, const N: usize, F, T, E>(
    called: Called<'f>,
    arguments: [Passed<'f>; N],
    signature: &'static Signature,
    make: impl FnOnce(&Arguments<'_>) -> Result<F, ArgumentError>,
    ending: E,
) -> Result<Raw, Raised>
where
    F: Future + Send + 'static,
    T: ToOCaml + Send + 'static,
    E: FnOnce(F::Output) -> Outcome<T> + Send + 'static,
{
    let make = |arguments: &Arguments<'_>| {
        let future = make(arguments)?;
        Ok(OnTokio::Unstarted(Some(move |home, storage| {
            tokio_rt().spawn(on_a_worker(home, storage, future, ending))
        })))
    };
    rust_to_lwt_by(called, arguments, signature, make, Sent::into_ending)
}

/// Called by the stub of a `#[func(blocking)]`. As `rust_to_lwt`.
#[doc(hidden)]
#[inline]
pub fn rust_to_lwt_on_blocking_pool<'f, const N: usize, B, R, T, E>(
    called: Called<'f>,
    arguments: [Passed<'f>; N],
    signature: &'static Signature,
    make: impl FnOnce(&Arguments<'_>) -> Result<B, ArgumentError>,
    ending: E,
) -> Result<Raw, Raised>
where
    B: FnOnce() -> R + Send + 'static,
    T: ToOCaml + Send + 'static,
    E: FnOnce(R) -> Outcome<T> + Send + 'static,
{
    let make = |arguments: &Arguments<'_>| {
        let body = make(arguments)?;
        Ok(OnTokio::Unstarted(Some(
            move |home: Handle, storage: Storage| {
                tokio_rt().spawn_blocking(move || {
                    let _entered = home.enter();
                    storage.with_running(|| Sent::caught(|| Sent::new(ending(body()))))
                })
            },
        )))
    };
    rust_to_lwt_by(called, arguments, signature, make, Sent::into_ending)
}

/// The macro asks this of each argument, at its place in the user's code, so that the compiler names the one that is not
/// `Send`.
#[doc(hidden)]
#[inline]
pub const fn argument_is_send<T: Send>() {}

/// A body that runs on a Tokio thread, as the task at home sees it.
enum OnTokio<S, T> {
    /// What starts it.
    Unstarted(Option<S>),
    Running(JoinHandle<Sent<T>>),
    /// It had ended when the first poll looked (rule 1).
    Ended(Option<Sent<T>>),
}

/// Nothing in it is pinned: what starts the body is called once, by value.
impl<S, T> Unpin for OnTokio<S, T> {}

impl<S, T> Future for OnTokio<S, T>
where
    S: FnOnce(Handle, Storage) -> JoinHandle<Sent<T>>,
{
    type Output = Sent<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Sent<T>> {
        match &mut *self {
            OnTokio::Unstarted(start) => {
                let start = start.take().expect("the state changes below");
                let at = AtHome::here().expect("polled by a task of this domain");
                let storage = Storage::running().unwrap_or_default();
                let mut running = start(Handle::new(at.home()), storage);
                *self = match Pin::new(&mut running).poll(context) {
                    Poll::Pending => OnTokio::Running(running),
                    Poll::Ready(joined) => {
                        context.waker().wake_by_ref();
                        OnTokio::Ended(Some(Sent::joined(joined)))
                    }
                };
                Poll::Pending
            }
            OnTokio::Running(running) => Pin::new(running).poll(context).map(Sent::joined),
            OnTokio::Ended(sent) => {
                Poll::Ready(sent.take().expect("a future is polled until it is ready"))
            }
        }
    }
}

impl<S, T> Drop for OnTokio<S, T> {
    fn drop(&mut self) {
        if let OnTokio::Running(running) = self {
            running.abort();
        }
    }
}

/// What Tokio's task does.
async fn on_a_worker<F, T, E>(home: Handle, storage: Storage, future: F, ending: E) -> Sent<T>
where
    F: Future,
    E: FnOnce(F::Output) -> Outcome<T>,
{
    let mut future = pin!(future);
    let ended = poll_fn(|context| {
        let _entered = home.enter();
        let polled =
            storage.with_running(|| catch(AssertUnwindSafe(|| future.as_mut().poll(context))));
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await;
    match ended {
        Ok(output) => Sent::caught(|| Sent::new(ending(output))),
        Err(panic) => Sent(Ending::Panic(panic)),
    }
}

/// The ending of a body, on its way home.
struct Sent<T>(Ending<Settled<T>>);

// SAFETY: a value is `Send` by the bound, and `Error` and `Panic` are; an `ocaml::Error` came through `without_values`, and
// holds neither an OCaml value nor an error of the user's
unsafe impl<T: Send> Send for Sent<T> {}

impl<T> Sent<T> {
    /// On the thread of the body. May panic, with what the user's error says.
    fn new(outcome: Outcome<T>) -> Self {
        Sent(match outcome.0 {
            Settled::OCaml(error) => match without_values(error) {
                Ok(error) => Ending::Value(Settled::OCaml(error)),
                Err(misuse) => Ending::Error(misuse),
            },
            settled => Ending::Value(settled),
        })
    }

    fn caught(f: impl FnOnce() -> Self) -> Self {
        catch(AssertUnwindSafe(f)).unwrap_or_else(|panic| Sent(Ending::Panic(panic)))
    }

    /// At home. An error: the runtime was shut down, and has dropped the task.
    fn joined(joined: Result<Sent<T>, tokio::task::JoinError>) -> Self {
        joined.unwrap_or(Sent(Ending::Dropped))
    }

    fn into_ending(self) -> Ending<Settled<T>> {
        self.0
    }
}

/// The same error, of which nothing refers to the thread it was made on.
fn without_values(error: ocaml::Error) -> Result<ocaml::Error, Error> {
    /// The text that OCaml will see.
    struct Shown(String);
    impl std::fmt::Debug for Shown {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.0)
        }
    }
    impl std::fmt::Display for Shown {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.0)
        }
    }
    impl std::error::Error for Shown {}

    match error {
        ocaml::Error::Error(error) => {
            Ok(ocaml::Error::Error(Box::new(Shown(format!("{error:?}")))))
        }
        ocaml::Error::Caml(
            CamlError::SysError(_) | CamlError::Exception(_) | CamlError::WithArg(..),
        ) => {
            // Its roots were made without the runtime lock, and must not be deleted without it as well.
            std::mem::forget(error);
            Err(Error::misuse(
                "a function that runs on a thread of Tokio's returned an ocaml::Error with an OCaml value in it, which \
                 only the domain thread can make: return Error::registered instead",
            ))
        }
        plain => Ok(plain),
    }
}
