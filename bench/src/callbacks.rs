//! OCaml functions that Rust calls, and OCaml promises that it awaits.

use futures_lite::future::{poll_once, yield_now};
use futures_util::stream::{FuturesUnordered, StreamExt};
use ocaml_lwt_interop::{Error, OCamlAsyncFunc, Promise, func};

use crate::calls::Ten;

/// One call of OCaml's in one call of Rust's.
#[func]
pub async fn bench_call_once(f: OCamlAsyncFunc<(), ()>) -> Result<(), Error> {
    f.call(()).await
}

/// Many calls of OCaml's in one call of Rust's.
#[func]
pub async fn bench_call(f: OCamlAsyncFunc<(), ()>, calls: isize) -> Result<(), Error> {
    for _ in 0..calls {
        f.call(()).await?;
    }
    Ok(())
}

#[func]
pub async fn bench_call_5(
    f: OCamlAsyncFunc<(isize, isize, isize, isize, isize), isize>,
    calls: isize,
) -> Result<(), Error> {
    for i in 0..calls {
        f.call((i, i, i, i, i)).await?;
    }
    Ok(())
}

#[func]
pub async fn bench_call_string(
    f: OCamlAsyncFunc<(String,), String>,
    calls: isize,
) -> Result<(), Error> {
    for _ in 0..calls {
        f.call((String::from("ten bytes."),)).await?;
    }
    Ok(())
}

/// A name for it: the attribute refuses a reference among a function's own arguments, where it would point into OCaml's
/// heap. This one goes the other way.
type OfRecord = OCamlAsyncFunc<(&'static Ten,), Ten>;

#[func]
pub async fn bench_call_record(f: OfRecord, calls: isize) -> Result<(), Error> {
    let record: &'static Ten = Box::leak(Box::new(Ten::new()));
    for _ in 0..calls {
        std::hint::black_box(f.call((record,)).await?.sum());
    }
    Ok(())
}

#[func]
pub async fn bench_call_rejected(f: OCamlAsyncFunc<(), ()>, calls: isize) {
    for _ in 0..calls {
        f.call(()).await.expect_err("OCaml rejects it");
    }
}

/// Each call gives a pending promise, and its future is dropped.
#[func]
pub async fn bench_call_dropped(f: OCamlAsyncFunc<(), ()>, calls: isize) {
    for _ in 0..calls {
        assert!(
            poll_once(f.call(())).await.is_none(),
            "OCaml's promise is pending"
        );
        // What dropping has queued is done before the next call.
        yield_now().await;
    }
}

/// Awaits one promise.
#[func]
pub async fn bench_await(promise: Promise<()>) -> Result<(), Error> {
    promise.await
}

/// One task that awaits all of them at the same time.
#[func]
pub async fn bench_await_all(promises: Vec<Promise<isize>>) -> Result<isize, Error> {
    let mut pending: FuturesUnordered<_> =
        promises.into_iter().map(IntoFuture::into_future).collect();
    let mut sum = 0;
    while let Some(n) = pending.next().await {
        sum += n?;
    }
    Ok(sum)
}
