//! Bodies on Tokio's threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use futures_lite::future;
use ocaml_lwt_interop::func;

use super::Noisy;

/// Yields on a worker.
#[func(tokio)]
pub async fn process_on_workers(n: isize) -> isize {
    tokio::task::yield_now().await;
    n
}

/// On the blocking pool.
#[func(blocking)]
pub fn process_on_blocking_pool(n: isize) -> isize {
    n
}

static BEGAN: AtomicIsize = AtomicIsize::new(0);

/// How many of the bodies below have begun.
#[func]
pub fn process_began() -> isize {
    BEGAN.load(Ordering::SeqCst)
}

/// Never ends, on a worker.
#[func(tokio)]
pub async fn process_never_on_workers() {
    BEGAN.fetch_add(1, Ordering::SeqCst);
    future::pending().await
}

/// The same, and says when it is dropped.
#[func(tokio)]
pub async fn process_noisy_on_workers(name: String) {
    let _noisy = Noisy(name);
    BEGAN.fetch_add(1, Ordering::SeqCst);
    future::pending().await
}

/// Blocks, and says when it ends.
#[func(blocking)]
pub fn process_blocks(name: String, seconds: f64) {
    BEGAN.fetch_add(1, Ordering::SeqCst);
    std::thread::sleep(Duration::from_secs_f64(seconds));
    println!("{name} ends");
}

static RELEASE: Mutex<Vec<Sender<()>>> = Mutex::new(Vec::new());

/// Blocks until it is released, and says that it ends.
#[func(blocking)]
pub fn process_blocks_until_released(name: String) {
    let (sender, receiver) = channel();
    RELEASE.lock().unwrap().push(sender);
    BEGAN.fetch_add(1, Ordering::SeqCst);
    let _ = receiver.recv();
    println!("{name} ends");
}

/// Releases those that have begun.
#[func]
pub fn process_release() {
    RELEASE.lock().unwrap().clear();
}
