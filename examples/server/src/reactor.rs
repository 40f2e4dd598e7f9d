//! Tokio's sockets and timers, looked after by the thread that runs Lwt for as long as it is busy.
//!
//! A Tokio worker that watches the sockets would be woken for nearly every request, only to wake the thread that runs Lwt
//! in turn, on a core that both had better use for. So the server has a runtime of its own, of Tokio's kind that runs on
//! the thread that asks it to: here a task which asks for whatever has come, between the connections' turns. Once nothing
//! comes, another thread waits for the next event and gives the runtime back.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::{Context, Poll, Wake, Waker};

use ocaml_lwt_interop::JoinHandle;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Notify, oneshot};

/// Outlived by nothing that runs inside.
pub struct Reactor {
    inside: Handle,
    events: Arc<Events>,
    _turns: JoinHandle<()>,
}

impl Reactor {
    /// # Errors
    /// The operating system refuses the thread, or what Tokio watches with.
    pub fn new() -> io::Result<Self> {
        let runtime = Arc::new(Builder::new_current_thread().enable_all().build()?);
        let inside = runtime.handle().clone();
        let events = Arc::new(Events::default());
        let (watcher, watches) = mpsc::channel();
        std::thread::Builder::new()
            .name("server-watcher".into())
            .spawn({
                let (runtime, events) = (runtime.clone(), events.clone());
                move || watch(&runtime, &events, &watches)
            })?;
        let turns = turns(runtime, events.clone(), watcher);
        Ok(Reactor {
            inside,
            events,
            _turns: ocaml_lwt_interop::spawn_local(turns),
        })
    }

    /// The same future, whose sockets and timers are the reactor's.
    pub fn run<F: Future>(&self, future: F) -> Inside<F> {
        Inside {
            future: Box::pin(future),
            reactor: self.inside.clone(),
            events: self.events.clone(),
            waker: None,
        }
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        // The watcher then sees that nobody asks it for more.
        self.events.watcher.notify_one();
    }
}

/// A turn of the runtime for a turn of the executor, while they find something to do.
async fn turns(runtime: Arc<Runtime>, events: Arc<Events>, watcher: Sender<oneshot::Sender<()>>) {
    loop {
        while events.any() {
            runtime.block_on(tokio::task::yield_now());
            tokio::task::yield_now().await;
        }
        let (done, is_done) = oneshot::channel();
        if watcher.send(done).is_err() || is_done.await.is_err() {
            return;
        }
    }
}

/// The thread that waits in the runtime, each time until somebody has been woken.
fn watch(runtime: &Runtime, events: &Events, watches: &Receiver<oneshot::Sender<()>>) {
    for done in watches {
        events.is_watched.store(true, Ordering::SeqCst);
        if !events.seen.load(Ordering::SeqCst) {
            runtime.block_on(events.watcher.notified());
        }
        events.is_watched.store(false, Ordering::SeqCst);
        let _ = done.send(());
    }
}

/// Whether somebody inside was woken since it was last asked.
#[derive(Default)]
struct Events {
    seen: AtomicBool,
    is_watched: AtomicBool,
    watcher: Notify,
}

impl Events {
    fn any(&self) -> bool {
        self.seen.swap(false, Ordering::SeqCst)
    }

    fn note(&self) {
        if !self.seen.swap(true, Ordering::SeqCst) && self.is_watched.load(Ordering::SeqCst) {
            self.watcher.notify_one();
        }
    }
}

/// Of [`Reactor::run`].
pub struct Inside<F> {
    future: Pin<Box<F>>,
    reactor: Handle,
    events: Arc<Events>,
    /// The task's, and one that also notes the event.
    waker: Option<(Waker, Waker)>,
}

impl<F: Future> Future for Inside<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let _inside = this.reactor.enter();
        if !matches!(&this.waker, Some((task, _)) if task.will_wake(context.waker())) {
            let task = context.waker().clone();
            let noting = Waker::from(Arc::new(Noting {
                task: task.clone(),
                events: this.events.clone(),
            }));
            this.waker = Some((task, noting));
        }
        let (_, noting) = this.waker.as_ref().expect("set above");
        this.future.as_mut().poll(&mut Context::from_waker(noting))
    }
}

struct Noting {
    task: Waker,
    events: Arc<Events>,
}

impl Wake for Noting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.task.wake_by_ref();
        self.events.note();
    }
}
