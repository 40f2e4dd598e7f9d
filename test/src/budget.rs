//! A poll's budget: what is always ready gives way to others; see `../test_budget.ml`.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Mutex;
use std::thread;

use futures_lite::StreamExt;
use futures_lite::future::yield_now;
use ocaml_lwt_interop::{
    Error, FromOCaml, LwtStream, OCamlAsyncFunc, OCamlFunc, ocaml_runtime, spawn_local, tokio_rt,
};
use tokio::sync::{mpsc, oneshot};

/// What is always ready; `source` in `test_budget.ml`.
#[derive(Clone, Copy, Debug, FromOCaml)]
pub enum Source {
    /// A channel of Tokio's, which is full.
    Channel,
    /// A function that returns a promise that is resolved.
    Promise,
    /// A function that returns its value at once.
    Value,
    /// A stream that has items.
    Stream,
    /// Tasks that have ended.
    Tasks,
}

/// Takes `items` from a source, at once or after a yield, and gives the number of polls that it took.
#[ocaml_lwt_interop::func]
pub async fn budget_drain(
    source: Source,
    items: isize,
    yields: bool,
    f: OCamlFunc<(), ()>,
    g: OCamlAsyncFunc<(), ()>,
    stream: LwtStream<isize>,
) -> Result<isize, Error> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let mut tasks = Vec::new();
    if let Source::Channel = source {
        (0..items).for_each(|i| sender.send(i).expect("the receiver lives"));
    }
    if let Source::Tasks = source {
        tasks = (0..items).map(|_| spawn_local(async {})).collect();
    }
    while tasks.iter().any(|task| !task.is_finished()) {
        yield_now().await;
    }
    if yields {
        yield_now().await;
    }
    let mut stream = stream.window(1000);
    let mut tasks = tasks.into_iter();
    let mut drain = pin!(async {
        for _ in 0..items {
            match source {
                Source::Channel => _ = receiver.recv().await.expect("there are enough"),
                Source::Promise => g.call(()).await?,
                Source::Value => f.call_async(()).await?,
                Source::Stream => _ = stream.next().await.expect("it has no end")?,
                Source::Tasks => tasks.next().expect("one for each").await?,
            }
        }
        Ok(())
    });
    let mut polls = 0;
    poll_fn(|context| {
        polls += 1;
        drain.as_mut().poll(context)
    })
    .await
    .map(|()| polls)
}

static QUEUE: Mutex<Option<mpsc::UnboundedReceiver<isize>>> = Mutex::new(None);

/// Fills a channel and reads it with an executor of its own, as code does that has no other; from OCaml.
#[ocaml::func]
pub fn budget_sync_drain(items: isize) -> isize {
    let (sender, receiver) = mpsc::unbounded_channel();
    (0..items).for_each(|i| sender.send(i).expect("the receiver lives"));
    drop(sender);
    *QUEUE.lock().unwrap() = Some(receiver);
    futures_lite::future::block_on(async {
        let mut receiver = QUEUE.lock().unwrap().take().expect("set above");
        let mut sum = 0;
        while receiver.recv().await.is_some() {
            sum += 1;
        }
        sum
    })
}

/// Runs a runtime's `block_on`, from OCaml.
#[ocaml::func]
pub fn budget_sync_block_on(n: isize) -> isize {
    tokio_rt().block_on(async move {
        tokio::task::yield_now().await;
        n
    })
}

/// Uses up the budget of its poll, and calls a function in it.
#[ocaml_lwt_interop::func]
pub async fn budget_used_up_calls(f: OCamlFunc<(), isize>) -> Result<isize, Error> {
    yield_now().await;
    let mut result = None;
    poll_fn(|context| {
        while let std::task::Poll::Ready(coop) = tokio::task::coop::poll_proceed(context) {
            coop.made_progress();
        }
        if result.is_none() {
            result = Some(f.call(&ocaml_runtime(), ()));
        }
        std::task::Poll::Ready(())
    })
    .await;
    result.expect("set above")
}

/// How many polls of `tasks` tasks that yield for ever come between a wake by another thread and the poll that it asked for.
#[ocaml_lwt_interop::func]
pub async fn budget_polls_before_a_wake(tasks: isize) -> Result<isize, Error> {
    let over = Rc::new(Cell::new(false));
    let polls = Rc::new(Cell::new(0));
    let endless = || {
        let (over, polls) = (over.clone(), polls.clone());
        spawn_local(async move {
            while !over.get() {
                polls.set(polls.get() + 1);
                yield_now().await;
            }
        })
    };
    let tasks: Vec<_> = (0..tasks).map(|_| endless()).collect();
    let (waker, woken) = oneshot::channel();
    let waiting = spawn_local({
        let polls = polls.clone();
        async move { woken.await.map(|()| polls.get()) }
    });
    // All have been polled once.
    yield_now().await;
    let woken_at = polls.get();
    let other = thread::spawn(move || waker.send(()));
    other
        .join()
        .expect("it does not panic")
        .expect("it is waited for");
    let polled_at = waiting.await?.expect("it was sent");
    over.set(true);
    for task in tasks {
        task.await?;
    }
    Ok(polled_at - woken_at)
}

/// Whether a budget is set here, outside of polls.
#[ocaml::func]
pub fn budget_is_unlimited() -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    (0..1000).all(|_| match tokio::task::coop::poll_proceed(&mut context) {
        std::task::Poll::Ready(coop) => {
            coop.made_progress();
            true
        }
        std::task::Poll::Pending => false,
    })
}

/// Calls an OCaml function in a `block_on` of a runtime, as a program does whose `main` is Rust's.
#[ocaml_lwt_interop::func(sync)]
pub fn budget_inside_block_on(f: OCamlFunc<(), isize>) -> isize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("there is memory");
    let called = runtime.block_on(async {
        tokio::task::yield_now().await;
        f.call(&ocaml_runtime(), ())
    });
    called.expect("it raises nothing")
}
