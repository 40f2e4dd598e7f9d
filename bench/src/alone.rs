//! The same work in Rust alone, timed here: nanoseconds for `batches` times `size` operations, `size` at a time.

use std::future::Future;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use async_executor::{Executor, LocalExecutor};
use futures_lite::future::{block_on, yield_now};
use ocaml_lwt_interop::tokio_rt;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use crate::clock::nanoseconds_since;
use crate::threads::ECHO;

fn timed<T>(f: impl FnOnce() -> T) -> isize {
    let beginning = Instant::now();
    black_box(f());
    nanoseconds_since(beginning)
}

async fn ready() {}

/// Spawns `size` tasks and awaits them, `batches` times.
async fn in_batches<H: Future>(batches: isize, size: isize, spawn: impl Fn() -> H) {
    for _ in 0..batches {
        if size == 1 {
            spawn().await;
        } else {
            let tasks: Vec<H> = (0..size).map(|_| spawn()).collect();
            for task in tasks {
                task.await;
            }
        }
    }
}

#[ocaml::func]
pub fn bench_alone_block_on_ready(calls: isize) -> isize {
    timed(|| {
        block_on(async {
            for _ in 0..calls {
                black_box(ready()).await;
            }
        })
    })
}

#[ocaml::func]
pub fn bench_alone_block_on_yield(calls: isize) -> isize {
    timed(|| {
        block_on(async {
            for _ in 0..calls {
                black_box(yield_now()).await;
            }
        })
    })
}

#[ocaml::func]
pub fn bench_alone_executor_ready(batches: isize, size: isize) -> isize {
    let executor = LocalExecutor::new();
    timed(|| block_on(executor.run(in_batches(batches, size, || executor.spawn(ready())))))
}

#[ocaml::func]
pub fn bench_alone_executor_yield(batches: isize, size: isize) -> isize {
    let executor = LocalExecutor::new();
    timed(|| block_on(executor.run(in_batches(batches, size, || executor.spawn(yield_now())))))
}

fn local_set<H: Future>(batches: isize, size: isize, spawn: impl Fn() -> H) -> isize {
    let runtime = Builder::new_current_thread()
        .build()
        .expect("a runtime of this thread alone needs nothing of the system");
    timed(|| LocalSet::new().block_on(&runtime, in_batches(batches, size, spawn)))
}

#[ocaml::func]
pub fn bench_alone_local_set_ready(batches: isize, size: isize) -> isize {
    local_set(batches, size, || tokio::task::spawn_local(ready()))
}

#[ocaml::func]
pub fn bench_alone_local_set_yield(batches: isize, size: isize) -> isize {
    local_set(batches, size, || tokio::task::spawn_local(yield_now()))
}

/// On the bridge's own runtime, awaited on this thread.
#[ocaml::func]
pub fn bench_alone_spawn(batches: isize, size: isize) -> isize {
    let runtime = tokio_rt();
    timed(|| runtime.block_on(in_batches(batches, size, || tokio::spawn(ready()))))
}

/// The same, each awaited by a task of its own, as each of the bridge's is: so each is woken.
#[ocaml::func]
pub fn bench_alone_task_spawn(batches: isize, size: isize) -> isize {
    let runtime = tokio_rt();
    let executor = LocalExecutor::new();
    let spawn =
        || executor.spawn(async { runtime.spawn(ready()).await.expect("nothing in it panics") });
    timed(|| block_on(executor.run(in_batches(batches, size, spawn))))
}

/// What a plain thread is asked.
fn ask() -> oneshot::Receiver<()> {
    let (answer, answered) = oneshot::channel();
    ECHO.send(answer)
        .expect("the thread lives as long as the process");
    answered
}

/// A thread answers, and wakes who waits for the answer.
#[ocaml::func]
pub fn bench_alone_thread(batches: isize, size: isize) -> isize {
    timed(|| block_on(in_batches(batches, size, ask)))
}

/// The same, each awaited by a task of its own, as each of the bridge's is: so each is woken.
#[ocaml::func]
pub fn bench_alone_task_thread(batches: isize, size: isize) -> isize {
    let executor = LocalExecutor::new();
    let spawn = || executor.spawn(async { ask().await });
    timed(|| block_on(executor.run(in_batches(batches, size, spawn))))
}

/// A Tokio worker that sends tasks to an executor which this thread runs.
#[ocaml::func]
pub fn bench_alone_home(batches: isize, size: isize) -> isize {
    static HOME: LazyLock<Executor<'static>> = LazyLock::new(Executor::new);
    let worker = in_batches_at(batches, size, || HOME.spawn(ready()));
    let runtime = tokio_rt();
    timed(|| {
        block_on(HOME.run(async {
            runtime.spawn(worker).await.expect("nothing in it panics");
        }))
    })
}

/// As [`in_batches`], for a future that is `Send`.
fn in_batches_at<H: Future + Send>(
    batches: isize,
    size: isize,
    spawn: impl Fn() -> H + Send + Sync,
) -> impl Future<Output = ()> + Send
where
    H::Output: Send,
{
    in_batches(batches, size, spawn)
}
