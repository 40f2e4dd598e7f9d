//! Threads that need home while home needs them.

use ocaml_lwt_interop::{Error, OCamlFunc, func, handle, ocaml_runtime};

/// A Tokio task sends a closure home and awaits it.
#[func]
pub async fn process_home_call(n: isize) -> Result<isize, Error> {
    let handle = handle();
    tokio::spawn(async move { handle.call(move |_| n).await }).await?
}

/// A Tokio task sends a closure home that calls an OCaml function.
#[func]
pub async fn process_home_call_of(f: OCamlFunc<(isize,), isize>, n: isize) -> Result<isize, Error> {
    let handle = handle();
    tokio::spawn(async move { handle.call(move |runtime| f.call(runtime, (n,))).await }).await??
}

/// A Tokio worker blocks until home has run a closure.
#[func]
pub async fn process_blocking_home_call(n: isize) -> Result<isize, Error> {
    let handle = handle();
    tokio::spawn(async move { handle.run_blocking(|_| n) }).await?
}

/// A thread of Tokio's for blocking work blocks until home has run a closure.
#[func]
pub async fn process_blocking_pool_home_call(n: isize) -> Result<isize, Error> {
    let handle = handle();
    tokio::task::spawn_blocking(move || handle.run_blocking(|_| n)).await?
}

/// A thread blocks until home has run a closure, which borrows from the thread's stack.
#[func]
pub async fn process_thread_home_call(n: isize) -> Result<isize, Error> {
    let handle = handle();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut seen = 0;
        let ended = handle.run_blocking(|_| seen = n).map(|()| seen);
        let _ = sender.send(ended);
    });
    receiver.await?
}

/// So many closures sent home at once; how many of them ran.
#[func(tokio)]
pub async fn process_closures(count: isize) -> Result<isize, Error> {
    let handle = handle();
    let all: Vec<_> = (0..count).map(|_| handle.call(|_| 1)).collect();
    let mut sum = 0;
    for one in all {
        sum += one.await?;
    }
    Ok(sum)
}

/// Refused: the domain thread would wait for itself.
#[func]
pub async fn process_runs_at_home_from_home() -> Result<isize, Error> {
    handle().run_blocking(|_| 1)
}

/// The closure panics, on a worker's behalf.
#[func]
pub async fn process_home_call_panics(message: String) -> Result<isize, Error> {
    let handle = handle();
    tokio::spawn(async move { handle.run_blocking(|_| -> isize { panic!("{message}") }) }).await?
}

/// A closure at home calls `Handle::run_blocking` again.
#[func]
pub async fn process_home_call_nested() -> Result<isize, Error> {
    let handle = handle();
    tokio::spawn(async move {
        handle
            .run_blocking(|_| handle.run_blocking(|_| 1))
            .and_then(|r| r)
    })
    .await?
}

/// `handle` and `ocaml_runtime` on a thread that has none say so by a panic, which the thread catches.
#[func]
pub async fn process_off_home_panics() -> Result<String, Error> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let message = |result: std::thread::Result<()>| {
            let payload = result.expect_err("it did not panic");
            let text = payload.downcast_ref::<String>().cloned();
            text.or_else(|| payload.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                .unwrap_or_default()
        };
        let no_handle = message(std::panic::catch_unwind(|| _ = handle()));
        let no_runtime = message(std::panic::catch_unwind(|| _ = ocaml_runtime()));
        let _ = sender.send(format!("{no_handle}\n{no_runtime}"));
    });
    Ok(receiver.await?)
}

/// The same function for systhreads: not a `#[func]`, so nothing refuses it.
#[ocaml::func]
pub fn process_plain_add(a: isize, b: isize) -> isize {
    a + b
}
