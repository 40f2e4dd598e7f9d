//! Chapter 10: threads, Tokio and domains.

// -- where a body runs --
use ocaml_lwt_interop::{DomainPool, Error, OCamlFunc, func, handle, run_blocking_in_ocaml};

/// Whether this thread is one of Tokio's.
fn on_tokio() -> bool {
    std::thread::current().name() == Some("tokio-ocaml")
}

#[func]
pub async fn plain() -> bool {
    on_tokio()
}

#[func(tokio)]
pub async fn on_a_worker() -> bool {
    on_tokio()
}

#[func(blocking)]
pub fn on_a_thread_that_may_block() -> bool {
    on_tokio()
}

// -- OCaml from another thread --
/// Counts the words of a page on a Tokio thread, and tells OCaml.
#[func(tokio)]
pub async fn count_words(page: String, tell: OCamlFunc<(usize,), ()>) -> Result<(), Error> {
    let words = page.split_whitespace().count();
    tell.call_async((words,)).await
}

/// Doubles on a thread of its own, which waits for OCaml's function.
#[func]
pub async fn double(number: isize, add: OCamlFunc<(isize, isize), isize>) -> Result<isize, Error> {
    let home = handle();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let sum = home.run_blocking(|runtime| add.call(runtime, (number, number)));
        sender.send(sum)
    });
    receiver.await??
}

// -- an OCaml function that blocks --
/// How many bytes OCaml's function reads. It runs on a thread of OCaml's that may block.
#[func]
pub async fn read_length(read: OCamlFunc<(String,), String>, path: String) -> Result<usize, Error> {
    Ok(run_blocking_in_ocaml(&read, (path,)).await?.len())
}

// -- worker domains --
/// `f 1 + f 2`, computed in parallel.
#[func]
pub async fn parallel_sum(pool: DomainPool, f: OCamlFunc<(isize,), isize>) -> Result<isize, Error> {
    let other = tokio::spawn({
        let (pool, f) = (pool.clone(), f.clone());
        async move { pool.call(&f, (1,)).await }
    });
    Ok(pool.call(&f, (2,)).await? + other.await??)
}
