//! One function for each way in which a call can go on.

use std::time::Duration;

use futures_lite::future;
use ocaml_lwt_interop::{Error, OCamlAsyncFunc, OCamlFunc, Promise, func, ocaml_runtime};

use super::Noisy;

#[func]
pub async fn process_ready(n: isize) -> isize {
    n
}

#[func]
pub async fn process_yield(times: isize) -> isize {
    for _ in 0..times {
        future::yield_now().await;
    }
    times
}

#[func]
pub async fn process_after(milliseconds: isize, n: isize) -> isize {
    tokio::time::sleep(Duration::from_millis(milliseconds as u64)).await;
    n
}

/// Through a Tokio worker and back.
#[func]
pub async fn process_tokio(n: isize) -> Result<isize, Error> {
    Ok(tokio::spawn(async move { n }).await?)
}

#[func]
pub async fn process_never(name: String) {
    let _noisy = Noisy(name);
    future::pending::<()>().await;
}

#[func]
pub async fn process_await(promise: Promise<isize>) -> Result<isize, Error> {
    promise.await
}

#[func]
pub async fn process_call(f: OCamlAsyncFunc<(isize,), isize>, n: isize) -> Result<isize, Error> {
    f.call((n,)).await
}

/// The function is called here and now, with a poll of ours on the stack.
#[func]
pub async fn process_call_now(f: OCamlFunc<(isize,), isize>, n: isize) -> Result<isize, Error> {
    f.call(&ocaml_runtime(), (n,))
}

/// The function is called in a tick.
#[func]
pub async fn process_call_later(f: OCamlFunc<(isize,), isize>, n: isize) -> Result<isize, Error> {
    future::yield_now().await;
    f.call(&ocaml_runtime(), (n,))
}

/// More arguments than a bytecode stub takes one by one.
#[func]
pub async fn process_sum(a: isize, b: isize, c: isize, d: isize, e: isize, f: isize) -> isize {
    future::yield_now().await;
    a + b + c + d + e + f
}

#[func]
pub async fn process_panic(message: String) {
    future::yield_now().await;
    panic!("{message}");
}

/// A task of the domain that nobody joins.
#[func]
pub async fn process_panic_detached(message: String) {
    ocaml_lwt_interop::spawn(async move { panic!("{message}") }).detach();
}
