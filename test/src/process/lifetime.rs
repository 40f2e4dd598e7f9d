//! Work that is in flight when the process ends.

use std::sync::mpsc;
use std::time::Duration;

use futures_lite::future;
use ocaml_lwt_interop::{Error, OCamlFunc, Promise, func, handle};

use super::{Noisy, shown};

/// Awaits a Tokio task that never ends.
#[func]
pub async fn process_tokio_never(name: String) -> Result<(), Error> {
    let noisy = Noisy(name);
    tokio::spawn(async move {
        let _noisy = noisy;
        future::pending::<()>().await;
    })
    .await?;
    Ok(())
}

/// A Tokio task that nobody awaits and that is busy all the time.
#[func]
pub async fn process_tokio_busy() {
    tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
}

/// Blocks one of Tokio's threads for blocking work.
#[func]
pub async fn process_blocking(seconds: f64) -> Result<(), Error> {
    let (begins, begun) = mpsc::channel();
    let work = tokio::task::spawn_blocking(move || {
        let _ = begins.send(());
        std::thread::sleep(Duration::from_secs_f64(seconds));
    });
    let _ = begun.recv();
    work.await?;
    Ok(())
}

/// A Tokio task awaits an OCaml promise and says how that ended. Returns when it awaits.
#[func]
pub async fn process_tokio_awaits(name: String, promise: Promise<isize>) {
    let (awaits, awaited) = mpsc::channel();
    tokio::spawn(async move {
        let promise = std::future::IntoFuture::into_future(promise);
        // In this order.
        let (ended, _) = future::zip(promise, async { awaits.send(()) }).await;
        // At the end it hears so, if Tokio polls it once more.
        if !matches!(&ended, Err(error) if error.is_broken_promise()) {
            println!("{name}: {}", shown(ended));
        }
    });
    let _ = awaited.recv();
}

/// A Tokio task holds the resolver of the promise that is returned, and resolves it after that time; with none, before
/// this returns.
#[func]
pub async fn process_tokio_resolves(milliseconds: isize, n: isize) -> Promise<isize> {
    let (promise, resolver) = Promise::new(&ocaml_lwt_interop::ocaml_runtime());
    let (resolves, resolved) = mpsc::channel();
    tokio::spawn(async move {
        if milliseconds > 0 {
            tokio::time::sleep(Duration::from_millis(milliseconds as u64)).await;
        }
        resolver.resolve(n);
        let _ = resolves.send(());
    });
    if milliseconds == 0 {
        let _ = resolved.recv();
    }
    promise
}

/// A Tokio worker blocks in `Handle::run_blocking` and says how that ended. When it is home's turn, the function runs.
/// Returns when the worker is about to block.
#[func]
pub async fn process_worker_runs_at_home(name: String, f: OCamlFunc<(), isize>) {
    let handle = handle();
    let (blocks, blocked) = mpsc::channel();
    tokio::spawn(async move {
        let _ = blocks.send(());
        let ended = handle.run_blocking(|runtime| f.call(runtime, ()));
        println!("{name}: {}", shown(ended.and_then(|result| result)));
    });
    let _ = blocked.recv();
}

/// The same from a thread of the program's own, which waits for `after` seconds first, in which the program goes on.
#[func]
pub async fn process_thread_runs_at_home(name: String, after: f64, f: OCamlFunc<(), isize>) {
    let handle = handle();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs_f64(after));
        let ended = handle.run_blocking(|runtime| f.call(runtime, ()));
        println!("{name}: {}", shown(ended.and_then(|result| result)));
    });
}

/// A thread sends a closure home and awaits its value, after that many seconds.
#[func]
pub async fn process_thread_awaits_home(name: String, after: f64) {
    let handle = handle();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs_f64(after));
        println!("{name}: {}", shown(future::block_on(handle.call(|_| 1))));
    });
}

/// A thread awaits an OCaml promise.
#[func]
pub async fn process_thread_awaits(name: String, promise: Promise<isize>) {
    std::thread::spawn(move || {
        println!("{name}: {}", shown(future::block_on(promise.into_future())));
    });
}

/// A blocking body awaits an OCaml promise, and says how that ended.
#[func(blocking)]
pub fn process_blocks_on_promise(name: String, promise: Promise<isize>) {
    println!("{name}: {}", shown(future::block_on(promise.into_future())));
}

/// A thread that goes on using the bridge until the process ends, whatever it gets.
#[func]
pub async fn process_thread_never_stops() {
    let handle = handle();
    std::thread::spawn(move || {
        loop {
            let _ = handle.run_blocking(|_| ());
            let _ = future::block_on(handle.call(|_| ()));
        }
    });
}

/// Always runnable; says when it is polled in another process than the one that began it.
#[func]
pub async fn process_polls_in_child(name: String) {
    let process = std::process::id();
    loop {
        if std::process::id() != process {
            println!("{name} is polled in the child");
        }
        future::yield_now().await;
    }
}

/// A Tokio task that makes, wakes and drops all that there is, for ever.
#[func]
pub async fn process_home_calls_for_ever(promise: Promise<isize>) {
    let handle = handle();
    let promise = std::sync::Arc::new(promise);
    tokio::spawn(async move {
        loop {
            let promise = promise.clone();
            let _ = handle.call(move |_| drop(promise)).await;
            handle.spawn(future::yield_now()).detach();
            tokio::task::yield_now().await;
        }
    });
}

/// Sends itself a signal while it is dropped.
struct Signals(i32);

impl Drop for Signals {
    fn drop(&mut self) {
        // SAFETY: a signal that the program handles
        unsafe { libc::raise(self.0) };
    }
}

/// A future whose destructor sends this process an interrupt.
#[func]
pub async fn process_interrupts_when_dropped() {
    let _signals = Signals(libc::SIGINT);
    future::pending::<()>().await;
}

/// The same for a task of the domain that nobody joins.
#[func]
pub async fn process_detached_interrupts_when_dropped() {
    ocaml_lwt_interop::spawn_local(process_interrupts_when_dropped()).detach();
}

/// Gives up a wait for the promise in a tick, with an interrupt that comes before OCaml is told.
#[func]
pub async fn process_interrupts_when_it_gives_up(promise: Promise<isize>) {
    let mut waiting = std::future::IntoFuture::into_future(promise);
    assert!(future::poll_once(&mut waiting).await.is_none());
    let gives_up = async {
        drop(waiting);
        drop(Signals(libc::SIGINT));
    };
    ocaml_lwt_interop::spawn_local(gives_up).detach();
}

/// Fails in a tick, with an interrupt that no OCaml code has seen yet.
#[func]
pub async fn process_interrupts_when_it_fails() -> Result<(), Error> {
    future::yield_now().await;
    drop(Signals(libc::SIGINT));
    Err(Error::msg("it fails"))
}

/// A future that sends this process an interrupt when it is polled the first time, and another when the second.
#[func]
pub async fn process_interrupts() {
    drop(Signals(libc::SIGINT));
    future::yield_now().await;
    drop(Signals(libc::SIGINT));
}

/// Whether a task that is spawned at home ends.
#[func]
pub async fn process_spawn_when_dropped(name: String) {
    struct Spawns(String);
    impl Drop for Spawns {
        fn drop(&mut self) {
            let name = std::mem::take(&mut self.0);
            let task = handle().spawn(async { 1 });
            std::thread::spawn(move || println!("{name}: {}", shown(future::block_on(task))))
                .join()
                .ok();
        }
    }
    let _spawns = Spawns(name);
    future::pending::<()>().await;
}
