//! Functions that run on other threads and domains: Rust's for OCaml, and OCaml's for Rust.

use futures_util::future::try_join_all;
use ocaml_lwt_interop::{
    DomainPool, Error, OCamlAsyncFunc, OCamlFunc, Promise, func, handle, run_blocking_in_ocaml,
};

/// A body on a worker.
#[func(tokio)]
pub fn bench_on_workers() {}

/// A body on the blocking pool.
#[func(blocking)]
pub fn bench_blocking() {}

/// Calls OCaml at home from a Tokio worker, one after the other.
#[func(tokio)]
pub async fn bench_call_async(f: OCamlFunc<(), ()>, calls: isize) -> Result<(), Error> {
    for _ in 0..calls {
        f.call_async(()).await?;
    }
    Ok(())
}

/// The same, so many at a time.
#[func(tokio)]
pub async fn bench_calls_async(
    f: OCamlFunc<(), ()>,
    batches: isize,
    size: isize,
) -> Result<(), Error> {
    for _ in 0..batches {
        try_join_all((0..size).map(|_| f.call_async(()))).await?;
    }
    Ok(())
}

/// Calls OCaml at home from a Tokio worker and awaits the promise, one after the other.
#[func(tokio)]
pub async fn bench_callback_from_worker(
    f: OCamlAsyncFunc<(), ()>,
    calls: isize,
) -> Result<(), Error> {
    for _ in 0..calls {
        f.call(()).await?;
    }
    Ok(())
}

/// The same, so many at a time.
#[func(tokio)]
pub async fn bench_callbacks_from_worker(
    f: OCamlAsyncFunc<(), ()>,
    batches: isize,
    size: isize,
) -> Result<(), Error> {
    for _ in 0..batches {
        try_join_all((0..size).map(|_| f.call(()))).await?;
    }
    Ok(())
}

/// Settles so many promises from a Tokio worker, and awaits them there.
#[func]
pub async fn bench_resolvers_on_worker(batches: isize, size: isize) -> Result<(), Error> {
    let home = handle();
    tokio::spawn(async move {
        for _ in 0..batches {
            let make = move |gc: &ocaml::Runtime| {
                (0..size)
                    .map(|_| Promise::<()>::new(gc))
                    .collect::<Vec<_>>()
            };
            let (promises, resolvers): (Vec<_>, Vec<_>) =
                home.call(make).await?.into_iter().unzip();
            resolvers
                .into_iter()
                .for_each(|resolver| resolver.resolve(()));
            try_join_all(promises.into_iter().map(IntoFuture::into_future)).await?;
        }
        Ok(())
    })
    .await?
}

/// Blocks a plain thread for home, again and again.
#[func]
pub async fn bench_run_blocking(calls: isize) -> Result<(), Error> {
    let home = handle();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Nobody waits for the answer to a call that was cancelled.
        let _ = sender.send((0..calls).try_for_each(|_| home.run_blocking(|_| ())));
    });
    receiver.await?
}

/// Calls OCaml on a blocking thread, one after the other.
#[func(tokio)]
pub async fn bench_blocking_call(f: OCamlFunc<(), ()>, calls: isize) -> Result<(), Error> {
    for _ in 0..calls {
        run_blocking_in_ocaml(&f, ()).await?;
    }
    Ok(())
}

/// The same, so many at a time.
#[func(tokio)]
pub async fn bench_blocking_calls(
    f: OCamlFunc<(), ()>,
    batches: isize,
    size: isize,
) -> Result<(), Error> {
    for _ in 0..batches {
        try_join_all((0..size).map(|_| run_blocking_in_ocaml(&f, ()))).await?;
    }
    Ok(())
}

/// Calls OCaml on a worker domain, one after the other.
#[func(tokio)]
pub async fn bench_pool_call(
    pool: DomainPool,
    f: OCamlFunc<(), ()>,
    calls: isize,
) -> Result<(), Error> {
    for _ in 0..calls {
        pool.call(&f, ()).await?;
    }
    Ok(())
}

/// The same, so many at a time.
#[func(tokio)]
pub async fn bench_pool_calls(
    pool: DomainPool,
    f: OCamlFunc<(), ()>,
    batches: isize,
    size: isize,
) -> Result<(), Error> {
    for _ in 0..batches {
        try_join_all((0..size).map(|_| pool.call(&f, ()))).await?;
    }
    Ok(())
}
