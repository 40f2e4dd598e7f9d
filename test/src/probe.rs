//! What the laws watch: a future that counts what happens to it, the places where futures run, and what they wait for.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_lite::future::or;
use ocaml_lwt_interop::domain_executor::DomainExecutor;
use ocaml_lwt_interop::{Error, FromOCaml, OCamlAsyncFunc, spawn_local, tokio_rt};
use tokio::task::{JoinHandle, spawn_blocking};

/// What happened to the probes of one law.
#[derive(Debug, Default)]
struct Counts {
    polls: AtomicIsize,
    wakes: AtomicIsize,
    drops: AtomicIsize,
    /// Polls and drops in another place than the probe's.
    misplaced: AtomicIsize,
    saw: Mutex<String>,
}

/// Those of the law that runs. A probe keeps those that it was made with, so that a straggler counts for its own law.
static COUNTS: Mutex<Option<Arc<Counts>>> = Mutex::new(None);

fn counts() -> Arc<Counts> {
    COUNTS.lock().unwrap().get_or_insert_default().clone()
}

/// A law begins.
#[ocaml_lwt_interop::func]
pub fn probe_begin() {
    *COUNTS.lock().unwrap() = None;
}

/// Polls, wakes, drops, and what happened in the wrong place.
#[ocaml_lwt_interop::func]
pub fn probe_counts() -> (isize, isize, isize, isize) {
    let counts = counts();
    let read = |count: &AtomicIsize| count.load(Ordering::SeqCst);
    (
        read(&counts.polls),
        read(&counts.wakes),
        read(&counts.drops),
        read(&counts.misplaced),
    )
}

/// The ending that Rust saw, in words.
#[ocaml_lwt_interop::func]
pub fn probe_saw() -> String {
    counts().saw.lock().unwrap().clone()
}

/// Notes an ending, and passes it on.
pub fn saw(result: Result<isize, Error>) -> Result<isize, Error> {
    let words = match &result {
        Ok(value) => format!("value {value}"),
        Err(error) => match error.exception() {
            Some(exception) => format!("exception {exception}"),
            None if error.is_broken_promise() => "broken promise".to_owned(),
            None => format!("error {error}"),
        },
    };
    *counts().saw.lock().unwrap() = words;
    result
}

/// The future that counts. A drop is counted after the destructors of what it holds.
pub struct Probe<F> {
    future: Pin<Box<F>>,
    /// The waker of the last poll, and ours around it: one for both, as an executor has one for each task.
    wakers: Option<(Waker, Waker)>,
    dropped: Dropped,
}

struct Dropped {
    counts: Arc<Counts>,
    place: Place,
}

pub fn probe<F: Future>(place: Place, future: F) -> Probe<F> {
    Probe {
        future: Box::pin(future),
        wakers: None,
        dropped: Dropped {
            counts: counts(),
            place,
        },
    }
}

impl Dropped {
    fn count(&self, which: impl Fn(&Counts) -> &AtomicIsize) {
        which(&self.counts).fetch_add(1, Ordering::SeqCst);
        if Place::here() != self.place {
            self.counts.misplaced.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.count(|counts| &counts.drops);
    }
}

struct CountingWaker {
    counts: Arc<Counts>,
    waker: Waker,
}

impl Wake for CountingWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.counts.wakes.fetch_add(1, Ordering::SeqCst);
        self.waker.wake_by_ref();
    }
}

impl<F: Future> Future for Probe<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        this.dropped.count(|counts| &counts.polls);
        let given = context.waker();
        if !matches!(&this.wakers, Some((last, _)) if last.will_wake(given)) {
            let counting = CountingWaker {
                counts: this.dropped.counts.clone(),
                waker: given.clone(),
            };
            this.wakers = Some((given.clone(), Arc::new(counting).into()));
        }
        let (_, waker) = this.wakers.as_ref().expect("set above");
        this.future.as_mut().poll(&mut Context::from_waker(waker))
    }
}

/// Where a future runs; `place` in `probe.ml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml)]
pub enum Place {
    Domain,
    Tokio,
    Thread,
    /// Where Tokio runs what may block, here a future.
    #[ocaml(name = "Blocking_pool")]
    BlockingPool,
    Rayon,
}

/// Panics end nothing: Rayon itself would abort.
static RAYON: LazyLock<rayon::ThreadPool> = LazyLock::new(|| {
    rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .panic_handler(|_| {})
        .build()
        .expect("threads start")
});

thread_local! {
    /// Tokio's threads have the same name, whatever they run.
    static BLOCKS: Cell<bool> = const { Cell::new(false) };
}

/// Runs a future of [`Place::BlockingPool`].
fn block_in_the_pool<T>(future: impl Future<Output = T>) -> T {
    struct Blocks;
    impl Drop for Blocks {
        fn drop(&mut self) {
            BLOCKS.set(false);
        }
    }
    BLOCKS.set(true);
    let _blocks = Blocks;
    tokio::runtime::Handle::current().block_on(future)
}

impl Place {
    /// The place of the thread that asks.
    pub fn here() -> Place {
        if DomainExecutor::current().is_some() {
            Place::Domain
        } else if rayon::current_thread_index().is_some() {
            Place::Rayon
        } else if BLOCKS.get() {
            Place::BlockingPool
        } else if std::thread::current().name() == Some("tokio-ocaml") {
            Place::Tokio
        } else {
            Place::Thread
        }
    }

    /// Runs a future there and awaits it here. A panic there goes on here.
    pub async fn run<F>(self, future: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match self {
            Place::Domain => future.await,
            Place::Tokio => joined(tokio::spawn(future)).await,
            Place::BlockingPool => joined(spawn_blocking(|| block_in_the_pool(future))).await,
            Place::Thread | Place::Rayon => {
                let (sender, receiver) = tokio::sync::oneshot::channel();
                self.start(async { drop(sender.send(future.await)) });
                receiver.await.expect("the thread panicked")
            }
        }
    }

    /// The same, but the future is dropped there when nobody awaits it here any more.
    pub async fn run_while_awaited<F>(self, future: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (awaited, given_up) = tokio::sync::oneshot::channel::<()>();
        let while_awaited = or(async { Some(future.await) }, async {
            drop(given_up.await);
            None
        });
        let output = self.run(while_awaited).await;
        drop(awaited);
        output.expect("it is awaited")
    }

    /// Starts a future there, which nobody awaits.
    pub fn start(self, future: impl Future<Output = ()> + Send + 'static) {
        match self {
            Place::Domain => spawn_local(future).detach(),
            Place::Tokio => drop(tokio::spawn(future)),
            Place::BlockingPool => drop(spawn_blocking(|| block_in_the_pool(future))),
            Place::Thread => drop(std::thread::spawn(|| block_beside_tokio(future))),
            Place::Rayon => RAYON.spawn(|| block_beside_tokio(future)),
        }
    }
}

/// On a thread that is not Tokio's; its timers work all the same.
fn block_beside_tokio(future: impl Future<Output = ()>) {
    let _context = tokio_rt().enter();
    futures_lite::future::block_on(future);
}

async fn joined<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(output) => output,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// `unit -> unit Lwt.t`, which sleeps for a moment.
pub type Nap = OCamlAsyncFunc<(), ()>;

/// What a future waits for before it ends; `wait` in `probe.ml`.
#[derive(Clone, Copy, Debug, FromOCaml)]
pub enum Wait {
    #[ocaml(name = "At_once")]
    AtOnce,
    Yield,
    #[ocaml(name = "Tokio_timer")]
    TokioTimer,
    #[ocaml(name = "Lwt_timer")]
    Lwt,
    /// A message from a Tokio worker.
    #[ocaml(name = "Tokio_task")]
    TokioTask,
    /// A message from a plain thread.
    #[ocaml(name = "Plain_thread")]
    PlainThread,
}

impl Wait {
    pub async fn wait(self, nap: &Nap) -> Result<(), Error> {
        match self {
            Wait::AtOnce => {}
            Wait::Yield => futures_lite::future::yield_now().await,
            Wait::TokioTimer => tokio::time::sleep(Duration::from_millis(1)).await,
            Wait::Lwt => nap.call(()).await?,
            Wait::TokioTask => message_from(Place::Tokio).await,
            Wait::PlainThread => message_from(Place::Thread).await,
        }
        Ok(())
    }
}

async fn message_from(place: Place) {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    place.start(async move { sender.send(()).expect("the receiver waits") });
    receiver.await.expect("the message is sent");
}
