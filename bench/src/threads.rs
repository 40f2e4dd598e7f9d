//! Wakes from other threads.

use std::sync::{LazyLock, mpsc};

use futures_util::future::try_join_all;
use ocaml_lwt_interop::{Error, func, handle};
use tokio::sync::oneshot;

/// A plain thread that answers what it is sent.
pub static ECHO: LazyLock<mpsc::Sender<oneshot::Sender<()>>> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel::<oneshot::Sender<()>>();
    std::thread::spawn(move || {
        for answer in receiver {
            // Nobody waits for an answer to a call that was cancelled.
            let _ = answer.send(());
        }
    });
    sender
});

/// Asks the thread, which wakes the task.
#[func]
pub async fn bench_thread() -> Result<(), Error> {
    let (answer, answered) = oneshot::channel();
    ECHO.send(answer)?;
    Ok(answered.await?)
}

/// Calls home from a Tokio worker, one after the other.
#[func]
pub async fn bench_handle_call(calls: isize) -> Result<(), Error> {
    let home = handle();
    tokio::spawn(async move {
        for _ in 0..calls {
            home.call(|_| ()).await?;
        }
        Ok(())
    })
    .await?
}

/// The same, so many at a time.
#[func]
pub async fn bench_handle_calls(batches: isize, size: isize) -> Result<(), Error> {
    let home = handle();
    tokio::spawn(async move {
        for _ in 0..batches {
            let calls: Vec<_> = (0..size).map(|_| home.call(|_| ())).collect();
            for call in calls {
                call.await?;
            }
        }
        Ok(())
    })
    .await?
}

/// The same, awaited all at once: what wakes each of them costs a crossing from one processor to the other.
#[func]
pub async fn bench_handle_calls_joined(batches: isize, size: isize) -> Result<(), Error> {
    let home = handle();
    tokio::spawn(async move {
        for _ in 0..batches {
            try_join_all((0..size).map(|_| home.call(|_| ()))).await?;
        }
        Ok(())
    })
    .await?
}
