//! Where a host's futures run.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::future::block_on;
use fuzz_host::hosted::Caller;
use ocaml_lwt_interop::Error;
use ocaml_lwt_interop::host::Host;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Why a future has no output.
pub enum NoEnd {
    Panic(Box<dyn Any + Send>),
    /// What OCaml's thread says of it.
    Home(Error),
    /// It was dropped, with its runtime or its thread.
    Gone,
}

type Place<T> = Pin<Box<dyn Future<Output = Result<T, NoEnd>>>>;

/// A future whose panic is its output.
struct Caught<F>(Pin<Box<F>>);

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, NoEnd>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let future = &mut self.0;
        let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
        match catch_unwind(poll) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(NoEnd::Panic(panic))),
        }
    }
}

fn on_a_thread<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, NoEnd> + Send + 'static,
) -> Place<T> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || drop(sender.send(f())));
    Box::pin(async { receiver.await.unwrap_or(Err(NoEnd::Gone)) })
}

async fn joined<T>(task: JoinHandle<T>) -> Result<T, NoEnd> {
    task.await.map_err(|error| {
        if error.is_panic() {
            NoEnd::Panic(error.into_panic())
        } else {
            NoEnd::Gone
        }
    })
}

/// Has it run there; from main, where the result is awaited.
pub fn spawn<F>(runtime: &Handle, ocaml: Host, caller: Caller, future: F) -> Place<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let runtime = runtime.clone();
    match caller {
        Caller::FromMain => Box::pin(Caught(Box::pin(future))),
        Caller::FromATask => Box::pin(joined(runtime.spawn(future))),
        Caller::FromAThread => on_a_thread(move || {
            let _entered = runtime.enter();
            block_on(Caught(Box::pin(future)))
        }),
        Caller::FromBlockOn => on_a_thread(move || {
            let block_on = AssertUnwindSafe(|| runtime.block_on(future));
            catch_unwind(block_on).map_err(NoEnd::Panic)
        }),
        Caller::FromTheBlockingPool => {
            let inner = runtime.clone();
            let task = runtime.spawn_blocking(move || inner.block_on(future));
            Box::pin(joined(task))
        }
        Caller::FromHome => {
            let task = ocaml.handle().spawn(future);
            Box::pin(async { task.await.map_err(NoEnd::Home) })
        }
    }
}
