//! Signals that come while Rust runs, so that OCaml finds them pending wherever its code goes on.

use std::time::Duration;

use futures_core::Stream;
use futures_lite::future;
use ocaml_lwt_interop::domain_executor::spawn_lwt;
use ocaml_lwt_interop::{Error, Promise, func, ocaml_runtime};

/// An interrupt, for the thread that calls.
fn interrupt() {
    // SAFETY: a signal that the program handles
    unsafe { libc::raise(libc::SIGINT) };
}

/// Gives its value in a tick, with an interrupt that no OCaml code has seen yet.
#[func]
pub async fn process_interrupts_and_gives(n: isize) -> isize {
    future::yield_now().await;
    interrupt();
    n
}

/// Computes for a millisecond at a time, with Lwt's turn in between.
#[func]
pub async fn process_computes(times: isize) -> isize {
    for _ in 0..times {
        std::thread::sleep(Duration::from_millis(1));
        future::yield_now().await;
    }
    times
}

/// An interrupt, and then a stream.
#[func]
pub fn process_interrupts_and_streams() -> impl Stream<Item = isize> {
    interrupt();
    futures_lite::stream::iter(0..3)
}

/// Makes promises in three ways, each with an interrupt that comes just before, and settles them later.
#[func]
pub async fn process_interrupts_and_makes() -> Vec<Promise<isize>> {
    future::yield_now().await;
    interrupt();
    let (by_resolver, resolver) = Promise::new(&ocaml_runtime());
    interrupt();
    let later = spawn_lwt(&ocaml_runtime(), async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(2)
    });
    interrupt();
    let at_once = spawn_lwt(&ocaml_runtime(), async { Ok(3) });
    tokio::spawn(async move { resolver.resolve(1) });
    vec![by_resolver, later, at_once]
}

/// Begins to wait for the promise in a tick, with an interrupt that comes just before.
#[func]
pub async fn process_interrupts_and_awaits(promise: Promise<isize>) -> Result<isize, Error> {
    future::yield_now().await;
    interrupt();
    promise.await
}

/// Text without an end of line, on Rust's standard output.
#[ocaml::func]
pub fn process_print(text: String) {
    print!("{text}");
}

/// Ends the process as a Rust program does, without OCaml's `at_exit`.
#[ocaml::func]
pub fn process_exit_of_rust(status: isize) {
    std::process::exit(status as i32);
}

/// A thread takes the lock of standard output, and keeps it.
#[func]
pub async fn process_locks_standard_output() -> Result<(), Error> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _locked = std::io::stdout().lock();
        let _ = sender.send(());
        std::thread::park();
        std::thread::sleep(Duration::from_secs(60));
    });
    Ok(receiver.await?)
}

/// Has heard the signal so many times, by a handler of Tokio's.
#[func]
pub async fn process_hears_sigusr1(times: isize) -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = signal(SignalKind::user_defined1())?;
    for _ in 0..times {
        signals.recv().await;
    }
    Ok(())
}
