//! Tokio's sockets and timers, looked after by the thread that runs Lwt for as long as it is busy.
//!
//! A Tokio worker that watches the sockets would be woken for nearly every request, only to wake the thread that runs Lwt
//! in turn, on a core that both had better use for. So the server has a runtime of its own, of Tokio's kind that runs on
//! the thread that asks it to: here a future which asks for whatever has come, between the connections' turns. Once
//! nothing comes, a thread of the bridge's Tokio waits for the next event in its place. With a client or two that is more to
//! do than a worker has; the README has the numbers.

use std::future::{poll_fn, ready};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use hyper::rt::Sleep;
use hyper_util::rt::TokioTimer;
use ocaml_lwt_interop::Error;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// Tokio notes with a socket or a timer, when it is made, which runtime it belongs to. So that nothing else does, and
/// least of all what OCaml's handlers start, this one is entered for that alone.
pub struct Reactor {
    runtime: Arc<Runtime>,
    /// Has a permit when somebody attached was woken since the last look.
    woken: Arc<Notify>,
}

impl Reactor {
    /// The reactor, and what makes it go: a future that ends with an error, or never. It is not to be attached.
    ///
    /// # Errors
    /// The operating system refuses what Tokio watches with.
    pub fn new() -> io::Result<(Self, impl Future<Output = Error>)> {
        let runtime = Arc::new(Builder::new_current_thread().enable_all().build()?);
        let reactor = Reactor {
            runtime: runtime.clone(),
            woken: Arc::new(Notify::new()),
        };
        let turns = turns(runtime, reactor.woken.clone());
        Ok((reactor, turns))
    }

    /// What Tokio is asked for by this future is the reactor's.
    pub async fn make<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            let _inside = self.runtime.enter();
            future.as_mut().poll(context)
        })
        .await
    }

    pub fn timer(&self) -> Timer {
        Timer(self.runtime.clone())
    }

    /// For a future that waits for the reactor's sockets or timers. They wake nobody else in time.
    pub fn attach<F: Future>(&self, future: F) -> Attached<F> {
        Attached {
            future: Box::pin(future),
            woken: self.woken.clone(),
            waker: None,
            _runtime: self.runtime.clone(),
        }
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        // So that nobody waits in the runtime any longer.
        self.woken.notify_one();
    }
}

/// A turn of the runtime for a turn of the executor, while they find something to do.
async fn turns(runtime: Arc<Runtime>, woken: Arc<Notify>) -> Error {
    loop {
        while take(&woken).await {
            runtime.block_on(tokio::task::yield_now());
            tokio::task::yield_now().await;
        }
        let (runtime, woken) = (runtime.clone(), woken.clone());
        let waiting = tokio::task::spawn_blocking(move || {
            runtime.block_on(woken.notified());
            // The permit is not this thread's to take.
            woken.notify_one();
        });
        if let Err(error) = waiting.await {
            return error.into();
        }
    }
}

/// Whether there was a permit.
async fn take(woken: &Notify) -> bool {
    tokio::select! {
        biased;
        () = woken.notified() => true,
        () = ready(()) => false,
    }
}

/// Of [`Reactor::attach`].
pub struct Attached<F> {
    future: Pin<Box<F>>,
    woken: Arc<Notify>,
    /// The task's, and one that also tells the reactor.
    waker: Option<(Waker, Waker)>,
    /// Sockets and timers panic without. After `future`, which has them.
    _runtime: Arc<Runtime>,
}

impl<F: Future> Future for Attached<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        if !matches!(&this.waker, Some((task, _)) if task.will_wake(context.waker())) {
            let task = context.waker().clone();
            let telling = Waker::from(Arc::new(Telling {
                task: task.clone(),
                woken: this.woken.clone(),
            }));
            this.waker = Some((task, telling));
        }
        let (_, telling) = this.waker.as_ref().expect("set above");
        this.future.as_mut().poll(&mut Context::from_waker(telling))
    }
}

struct Telling {
    task: Waker,
    woken: Arc<Notify>,
}

impl Wake for Telling {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.task.wake_by_ref();
        self.woken.notify_one();
    }
}

/// The reactor's timers, for hyper.
#[derive(Clone)]
pub struct Timer(Arc<Runtime>);

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        let _inside = self.0.enter();
        TokioTimer::new().sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let _inside = self.0.enter();
        TokioTimer::new().sleep_until(deadline)
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, deadline: Instant) {
        TokioTimer::new().reset(sleep, deadline);
    }
}
