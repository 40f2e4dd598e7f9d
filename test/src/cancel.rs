//! Cancellation, both ways, and the waits that it must end; see `../test_cancel.ml` and `../test_giving_up.ml`.

use std::future::Future;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use futures_lite::future::{block_on, or, pending, poll_once, yield_now};
use ocaml_lwt_interop::domain_executor::{Budget, DomainExecutor};
use ocaml_lwt_interop::{
    Error, FromOCaml, OCamlAsyncFunc, OCamlFunc, Promise, Resolver, ocaml_runtime, spawn_local,
};

use tokio::sync::Notify;

use crate::probe::{Nap, Place, probe};

const LONG: Duration = Duration::from_secs(3600);

/// What a future waits for that does not come.
#[derive(Clone, Copy, Debug, FromOCaml)]
pub enum Endless {
    Nothing,
    TokioTimer,
    Promise,
    ProtectedPromise,
    Task,
    TokioTask,
    Yields,
}

#[ocaml_lwt_interop::func]
pub async fn cancel_endless(endless: Endless, promise: Nap) -> Result<(), Error> {
    let wait = async {
        // Not detached: as long as the function waits, and a moment more.
        let task = matches!(endless, Endless::Task).then(|| spawn_local(pending::<()>()));
        let _abort = task.as_ref().map(AbortOnDrop);
        endless.wait(&promise).await
    };
    probe(Place::Domain, wait).await
}

impl Endless {
    pub async fn wait(self, promise: &Nap) -> Result<(), Error> {
        match self {
            Endless::Nothing | Endless::Task => pending().await,
            Endless::TokioTimer => tokio::time::sleep(LONG).await,
            Endless::Promise => promise.call(()).await?,
            Endless::ProtectedPromise => promise.call(()).protected().await?,
            Endless::TokioTask => drop(tokio::spawn(tokio::time::sleep(LONG)).await),
            Endless::Yields => loop {
                yield_now().await;
            },
        }
        Ok(())
    }
}

struct AbortOnDrop<'a>(&'a ocaml_lwt_interop::JoinHandle<()>);

impl Drop for AbortOnDrop<'_> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Is cancelled by the OCaml function that it calls, and then is ready, waits on, or calls another.
#[ocaml_lwt_interop::func]
pub async fn cancel_from_within(
    cancel: OCamlFunc<(), ()>,
    then: isize,
    after: OCamlFunc<(), ()>,
) -> Result<isize, Error> {
    let body = async {
        yield_now().await;
        cancel.call(&ocaml_runtime(), ())?;
        if then > 0 {
            yield_now().await;
            after.call(&ocaml_runtime(), ())?;
        }
        Ok(7)
    };
    probe(Place::Domain, body).await
}

/// Runs on when its promise is cancelled.
#[ocaml_lwt_interop::func(cancel = "detach")]
pub async fn cancel_detached(nap: Nap, ended: OCamlFunc<(), ()>) -> Result<isize, Error> {
    let body = async {
        nap.call(()).await?;
        ended.call(&ocaml_runtime(), ())?;
        Ok(7)
    };
    probe(Place::Domain, body).await
}

/// A promise, and a task that settles it later, from a place.
#[ocaml_lwt_interop::func]
pub fn cancel_settled_later(place: Place, nap: Nap) -> Promise<isize> {
    let (promise, resolver): (_, Resolver<isize>) = Promise::new(&ocaml_runtime());
    let settle = async move {
        nap.call(()).await.expect("a nap ends");
        resolver.resolve(7);
    };
    place.start(probe(place, settle));
    promise
}

/// A future whose destructor calls `cancel` in the next tick, by a task.
#[ocaml_lwt_interop::func]
pub async fn cancel_chain(cancel: OCamlFunc<(), ()>) {
    struct Cancels(OCamlFunc<(), ()>);
    impl Drop for Cancels {
        fn drop(&mut self) {
            let cancel = self.0.clone();
            spawn_local(async move { cancel.call(&ocaml_runtime(), ()).expect("it cancels") })
                .detach();
        }
    }
    let _cancels = Cancels(cancel);
    probe(Place::Domain, pending::<()>()).await;
}

/// How a future is given up that waits for a promise.
#[derive(Clone, Copy, Debug, FromOCaml)]
pub enum How {
    Drop,
    DropOnThread,
    Race,
    Select,
    Timeout,
    Abort,
}

const MOMENT: Duration = Duration::from_millis(1);

async fn give_up<F>(how: How, place: Place, mut future: F)
where
    F: Future<Output: Send> + Send + Unpin + 'static,
{
    match how {
        How::Drop => assert!(poll_once(&mut future).await.is_none()),
        How::DropOnThread => {
            assert!(poll_once(&mut future).await.is_none());
            let elsewhere = if place == Place::Tokio {
                Place::Thread
            } else {
                Place::Tokio
            };
            elsewhere.run(async { drop(future) }).await;
        }
        How::Race => {
            or(async { drop(future.await) }, tokio::time::sleep(MOMENT)).await;
        }
        // `biased`, or on a busy machine the time may be up before the future is polled at all.
        How::Select => tokio::select! {
            biased;
            _ = future => panic!("the promise is pending"),
            () = tokio::time::sleep(MOMENT) => {}
        },
        How::Timeout => {
            let ended = tokio::time::timeout(MOMENT, future).await;
            assert!(ended.is_err(), "the promise is pending");
        }
        How::Abort if place == Place::Domain => {
            let task = spawn_local(future);
            yield_now().await;
            task.abort();
            assert!(task.await.is_err(), "the promise is pending");
        }
        How::Abort => {
            let task = tokio::spawn(future);
            tokio::time::sleep(MOMENT).await;
            task.abort();
            assert!(task.await.is_err(), "the promise is pending");
        }
    }
}

#[ocaml_lwt_interop::func]
pub async fn cancel_give_up(place: Place, how: How, protected: bool, promise: Promise<isize>) {
    let promise = if protected {
        promise.protected()
    } else {
        promise
    };
    place.run(give_up(how, place, promise.into_future())).await;
}

#[ocaml_lwt_interop::func]
pub async fn cancel_give_up_call(
    place: Place,
    how: How,
    protected: bool,
    function: OCamlAsyncFunc<(), isize>,
) {
    let call = function.call(());
    let call = if protected { call.protected() } else { call };
    place.run(give_up(how, place, call)).await;
}

/// Polls on a thread, and drops there, while the domain thread is in this very call: what the future has sent home
/// arrives after it has gone.
#[ocaml_lwt_interop::func]
pub fn cancel_on_the_way(promise: Promise<isize>, protected: bool) {
    let promise = if protected {
        promise.protected()
    } else {
        promise
    };
    let future = promise.into_future();
    std::thread::spawn(|| block_on(give_up(How::Drop, Place::Thread, future)))
        .join()
        .expect("the promise is pending");
}

/// A future that is dropped before its first poll.
#[ocaml_lwt_interop::func]
pub async fn cancel_unpolled(place: Place, promise: Promise<isize>, protected: bool) {
    let promise = if protected {
        promise.protected()
    } else {
        promise
    };
    let future = promise.into_future();
    place.run(async move { drop(future) }).await;
}

/// A handle that is dropped: nobody awaited it.
#[ocaml_lwt_interop::func]
pub async fn cancel_unawaited(place: Place, promise: Promise<isize>) {
    place.run(async move { drop(promise) }).await;
}

#[ocaml_lwt_interop::func]
pub fn cancel_on_the_way_of_a_call(function: OCamlAsyncFunc<(), isize>) {
    let call = function.call(());
    std::thread::spawn(|| block_on(give_up(How::Drop, Place::Thread, call)))
        .join()
        .expect("the promise is pending");
}

/// Calls nothing: the future is never polled.
#[ocaml_lwt_interop::func]
pub fn cancel_unpolled_call(function: OCamlAsyncFunc<(), isize>) {
    drop(function.call(()));
}

static SIGNAL: Notify = Notify::const_new();

#[ocaml_lwt_interop::func]
pub fn cancel_signal() {
    SIGNAL.notify_one();
}

/// Gives a call up when the signal comes: from within the call, say.
#[ocaml_lwt_interop::func]
pub async fn cancel_call_until_signal(place: Place, function: OCamlAsyncFunc<(), isize>) {
    let until_signal = async move {
        tokio::select! {
            biased;
            _ = function.call(()) => panic!("the promise is pending"),
            () = SIGNAL.notified() => {}
        }
    };
    place.run(until_signal).await;
}

/// Runs a future that spins until it is cancelled, and counts.
#[ocaml_lwt_interop::func]
pub async fn cancel_spin() {
    loop {
        SPINS.fetch_add(1, Ordering::Relaxed);
        yield_now().await;
    }
}

static SPINS: AtomicIsize = AtomicIsize::new(0);

#[ocaml_lwt_interop::func]
pub fn cancel_spins() -> isize {
    SPINS.load(Ordering::Relaxed)
}

#[ocaml_lwt_interop::func]
pub fn cancel_set_budget(polls: isize) {
    let budget = match polls {
        0 => Budget::default(),
        polls => Budget {
            polls: polls as u32,
            ..Budget::default()
        },
    };
    let executor = DomainExecutor::current().expect("this is the domain thread");
    executor.set_budget(budget);
}
