//! OCaml functions that block, on threads that are there for them; and those that other threads have called at home.

use std::time::Duration;

use futures_lite::future::block_on;
use ocaml_lwt_interop::{Error, OCamlFunc, func, run_blocking_in_ocaml, tokio_rt};

use super::shown;

type Function = OCamlFunc<(isize,), isize>;

/// Called and awaited at home.
#[func]
pub async fn process_blocking_call(f: Function, n: isize) -> Result<isize, Error> {
    run_blocking_in_ocaml(&f, (n,)).await
}

/// Called and awaited on a worker.
#[func(tokio)]
pub async fn process_blocking_call_of_worker(f: Function, n: isize) -> Result<isize, Error> {
    run_blocking_in_ocaml(&f, (n,)).await
}

/// Called at home, for a worker.
#[func(tokio)]
pub async fn process_call_async(f: Function, n: isize) -> Result<isize, Error> {
    f.call_async((n,)).await
}

/// Called and awaited on a plain thread, after a while; which says how it ended.
#[func]
pub fn process_thread_awaits_call(name: String, seconds: f64, blocks: bool, f: Function) {
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs_f64(seconds));
        let ended = if blocks {
            block_on(run_blocking_in_ocaml(&f, (1,)))
        } else {
            block_on(f.call_async((1,)))
        };
        println!("{name}: {}", shown(ended));
    });
}

/// Home waits for Tokio, in the call.
#[func]
pub fn process_waits_for_tokio(n: isize) -> isize {
    tokio_rt().block_on(async move {
        let blocking = tokio::task::spawn_blocking(move || n);
        tokio::time::sleep(Duration::from_millis(1)).await;
        blocking.await.expect("it ends")
    })
}
