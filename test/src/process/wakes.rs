//! Wakes in places where much is forbidden: in finalisers, under locks, in wakers of the user's own.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use futures_lite::future;
use ocaml_lwt_interop::{
    Error, JoinHandle, OCamlFunc, Promise, Resolver, func, handle, ocaml_runtime,
};
use tokio::sync::oneshot;

use super::{Noisy, shown};

/// An executor as small as can be: a wake polls, here and now, on whichever thread it happens.
struct PolledByWake<F>(Mutex<Option<Pin<Box<F>>>>);

impl<F: Future<Output = ()> + Send + 'static> PolledByWake<F> {
    fn start(future: F) {
        Arc::new(PolledByWake(Mutex::new(Some(Box::pin(future))))).wake();
    }
}

impl<F: Future<Output = ()> + Send + 'static> Wake for PolledByWake<F> {
    fn wake(self: Arc<Self>) {
        let taken = self.0.lock().unwrap().take();
        let Some(mut future) = taken else { return };
        let waker = Waker::from(self.clone());
        if future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
        {
            *self.0.lock().unwrap() = Some(future);
        }
    }
}

/// A thread awaits two OCaml promises, one after the other; each is polled inside of the wake of the one before.
#[func]
pub async fn process_polled_by_wake(first: Promise<isize>, second: Promise<isize>) {
    std::thread::spawn(move || {
        PolledByWake::start(async move {
            println!("first: {}", shown(first.await));
            println!("second: {}", shown(second.await));
        });
    })
    .join()
    .ok();
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker of the user's");
    }
}

/// A thread polls the promise's future, once, with a waker that panics.
#[func]
pub async fn process_panicking_waker(promise: Promise<isize>) {
    let mut promise = promise.into_future();
    let first = std::thread::spawn(move || {
        let waker = Waker::from(Arc::new(Panics));
        let first = Pin::new(&mut promise).poll(&mut Context::from_waker(&waker));
        std::mem::forget(promise);
        first.is_pending()
    });
    println!("pending: {}", first.join().unwrap_or(false));
}

/// The same, for the handle of a task of the domain that ends later.
#[func]
pub async fn process_panicking_join_waker() {
    let mut task: JoinHandle<()> = handle().spawn(future::yield_now());
    let waker = Waker::from(Arc::new(Panics));
    assert!(
        Pin::new(&mut task)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    std::mem::forget(task);
}

/// A lock of the user's.
static LOCK: Mutex<()> = Mutex::new(());

/// Takes the lock for a moment. Run while somebody on this thread holds it, this would be a deadlock.
#[func]
pub async fn process_lock(n: isize) -> isize {
    let _locked = LOCK.lock();
    n
}

/// Under the lock: resolves a promise whose continuation takes the lock, wakes a task whose poll takes it, aborts a
/// task whose destructor takes it, drops a future that cancels a promise whose `on_cancel` takes it, and wakes through
/// Tokio.
#[func]
pub async fn process_wakes_under_lock(
    give: OCamlFunc<(Promise<isize>,), ()>,
    cancelled: Promise<isize>,
) -> Result<(), Error> {
    struct Locks;
    impl Drop for Locks {
        fn drop(&mut self) {
            drop(LOCK.lock());
        }
    }
    let (promise, resolver) = Promise::new(&ocaml_runtime());
    give.call(&ocaml_runtime(), (promise,))?;
    let (sender, receiver) = oneshot::channel::<()>();
    let woken = ocaml_lwt_interop::spawn_local(async move {
        let _ = receiver.await;
        drop(LOCK.lock());
    });
    let aborted = ocaml_lwt_interop::spawn_local(async {
        let _locks = Locks;
        future::pending::<()>().await;
    });
    let mut cancelled = Box::pin(cancelled.into_future());
    future::yield_now().await;
    let polled = future::poll_once(&mut cancelled).await;
    assert!(polled.is_none());
    {
        let _locked = LOCK.lock();
        resolver.resolve(1);
        let _ = sender.send(());
        aborted.abort();
        drop(cancelled);
        drop(aborted);
    }
    woken.await?;
    Ok(())
}

/// What a finaliser of the OCaml GC drops: a resolver, a sender that wakes a task, a task's handle, a future that awaits
/// an OCaml promise.
pub(crate) struct Held {
    _noisy: Noisy,
    resolver: Option<Resolver<isize>>,
    sender: Option<oneshot::Sender<isize>>,
    task: JoinHandle<()>,
    _awaiting: ocaml_lwt_interop::PromiseFuture<isize>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.resolver.take().unwrap().resolve(1);
        let _ = self.sender.take().unwrap().send(2);
        self.task.abort();
    }
}

pub struct HeldCell(#[allow(dead_code)] Held);
ocaml::custom!(HeldCell);

type GiveHeld = OCamlFunc<(ocaml::Value, Promise<isize>, Promise<isize>), ()>;

/// Gives a custom block whose finaliser wakes in every way, and the promises that are settled by that.
#[func]
pub async fn process_wakes_when_collected(
    awaited: Promise<isize>,
    give: GiveHeld,
) -> Result<(), Error> {
    let (resolved, resolver) = Promise::new(&ocaml_runtime());
    let (sender, receiver) = oneshot::channel();
    let sent = ocaml_lwt_interop::domain_executor::spawn_lwt(&ocaml_runtime(), async move {
        receiver.await.map_err(Error::from)
    });
    let task = ocaml_lwt_interop::spawn_local(async {
        let _noisy = Noisy("the aborted task".to_owned());
        future::pending::<()>().await;
    });
    let mut awaiting = awaited.into_future();
    let polled = future::poll_once(&mut awaiting).await;
    assert!(polled.is_none());
    let held = Held {
        _noisy: Noisy("the block".to_owned()),
        resolver: Some(resolver),
        sender: Some(sender),
        task,
        _awaiting: awaiting,
    };
    give.call(
        &ocaml_runtime(),
        (ocaml::Pointer::from(HeldCell(held)).0, resolved, sent),
    )
}

thread_local! {
    static KEPT: RefCell<Vec<Resolver<isize>>> = const { RefCell::new(Vec::new()) };
}

/// A promise whose resolver a thread-local keeps, which is dropped after OCaml has ended.
#[func]
pub async fn process_kept_resolver() -> Promise<isize> {
    let (promise, resolver) = Promise::new(&ocaml_runtime());
    KEPT.with_borrow_mut(|kept| kept.push(resolver));
    promise
}

/// Calls an OCaml function in the first poll, in the middle of which OCaml may collect, and then yields once.
#[func]
pub async fn process_collects(f: OCamlFunc<(isize,), isize>) -> Result<isize, Error> {
    let n = f.call(&ocaml_runtime(), (1,))?;
    future::yield_now().await;
    Ok(n)
}

/// Ready when it is polled the second time, and wakes itself from a thread in between, again and again.
#[func]
pub async fn process_woken_by_thread(times: isize) -> isize {
    for _ in 0..times {
        let mut woken = false;
        future::poll_fn(|context| {
            if woken {
                return Poll::Ready(());
            }
            woken = true;
            let waker = context.waker().clone();
            std::thread::spawn(move || waker.wake());
            Poll::Pending
        })
        .await;
    }
    times
}

static AWAKE: std::sync::OnceLock<Waker> = std::sync::OnceLock::new();

/// A task whose waker [`process_wakes`] wakes.
#[func]
pub async fn process_keeps_its_waker() {
    future::poll_fn(|context| {
        let _ = AWAKE.set(context.waker().clone());
        Poll::<()>::Pending
    })
    .await
}

/// Threads that wake that task all the time.
#[func]
pub fn process_threads_wake(threads: isize) {
    for _ in 0..threads {
        std::thread::spawn(|| {
            loop {
                wake();
            }
        });
    }
}

fn wake() {
    let waker = AWAKE.get().expect("the task was polled");
    waker.wake_by_ref();
    let owned = waker.clone();
    owned.wake();
}

/// Wakes it on this thread, whichever it is.
#[ocaml::func]
pub fn process_wakes() {
    wake();
}

/// Says when it is woken.
struct Says(Waker);

impl Wake for Says {
    fn wake(self: Arc<Self>) {
        println!("who joins is woken");
        self.0.wake_by_ref();
    }
}

/// A Tokio task joins one at home, whose last poll calls the function, and says when it is woken.
#[func]
pub async fn process_tokio_joins(f: OCamlFunc<(isize,), isize>, n: isize) -> Result<isize, Error> {
    let (waits, is_joined) = oneshot::channel();
    let mut task = ocaml_lwt_interop::spawn_local(async move {
        is_joined.await?;
        f.call(&ocaml_runtime(), (n,))
    });
    let mut waits = Some(waits);
    let joins = std::future::poll_fn(move |context| {
        let says = Waker::from(Arc::new(Says(context.waker().clone())));
        let polled = Pin::new(&mut task).poll(&mut Context::from_waker(&says));
        waits.take().map(|waits| waits.send(()));
        polled
    });
    tokio::spawn(joins).await??
}
