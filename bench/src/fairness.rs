//! Tasks that yield for ever, and timers beside them.

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures_lite::future::yield_now;
use ocaml_lwt_interop::{Error, JoinHandle, func, spawn_local};

use crate::clock::nanoseconds_since;

thread_local! {
    static STOP: Cell<bool> = const { Cell::new(false) };
}

/// Tasks that yield until they are told to stop; awaits them all.
#[func]
pub async fn bench_endless(tasks: isize) -> Result<(), Error> {
    STOP.set(false);
    let tasks: Vec<JoinHandle<()>> = (0..tasks)
        .map(|_| {
            spawn_local(async {
                while !STOP.get() {
                    yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    Ok(())
}

#[ocaml::func]
pub fn bench_stop_endless() {
    STOP.set(true);
}

/// By how many nanoseconds a timer of Tokio's is late, so many times.
async fn lateness(delay: Duration, samples: isize) -> Vec<isize> {
    let mut late = Vec::new();
    for _ in 0..samples {
        let beginning = Instant::now();
        tokio::time::sleep(delay).await;
        late.push(nanoseconds_since(beginning) - delay.as_nanos() as isize);
    }
    late
}

/// On the domain thread.
#[func]
pub async fn bench_timer(milliseconds: isize, samples: isize) -> Vec<isize> {
    lateness(Duration::from_millis(milliseconds as u64), samples).await
}

/// On a Tokio worker, which has nothing else to do.
#[func]
pub async fn bench_timer_alone(milliseconds: isize, samples: isize) -> Result<Vec<isize>, Error> {
    Ok(tokio::spawn(lateness(
        Duration::from_millis(milliseconds as u64),
        samples,
    ))
    .await?)
}

/// The nanoseconds that `tokio::spawn` takes until it is awaited, one after the other.
#[func]
pub async fn bench_spawn_latencies(samples: isize) -> Result<Vec<isize>, Error> {
    let mut latencies = Vec::new();
    for _ in 0..samples {
        let beginning = Instant::now();
        tokio::spawn(async {}).await?;
        latencies.push(nanoseconds_since(beginning));
    }
    Ok(latencies)
}
