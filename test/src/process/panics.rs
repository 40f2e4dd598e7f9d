//! Panics in every place, and signals.

use std::time::Duration;

use futures_lite::future;
use ocaml_lwt_interop::{Error, func};

/// A panic hook of the program's own.
#[ocaml::func]
pub fn process_set_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or(payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("not text");
        eprintln!("the program's hook: {text}");
    }));
}

/// On a Tokio worker: the one who joins the task gets an error.
#[func]
pub async fn process_tokio_panic(message: String) -> Result<(), Error> {
    tokio::spawn(async move { panic!("{message}") }).await?
}

struct Bomb(String);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

#[func]
pub async fn process_panic_when_dropped(message: String) {
    let _bomb = Bomb(message);
    future::pending::<()>().await;
}

#[func]
pub async fn process_detached_panic_when_dropped(message: String) {
    ocaml_lwt_interop::spawn_local(process_panic_when_dropped(message)).detach();
}

/// A payload that is not text, and panics itself when it is dropped.
#[func]
pub async fn process_panic_any() {
    future::yield_now().await;
    std::panic::panic_any(Bomb("the payload".to_owned()));
}

/// Has a Tokio worker send this process a signal, so much later that the loop sleeps by then. (Where it did not, an
/// exception of a signal handler could leave Lwt in the middle of anything.)
#[func]
pub async fn process_signal_from_worker(signal: isize) {
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        // SAFETY: a signal to this very process
        unsafe { libc::kill(libc::getpid(), signal as i32) };
    });
}

/// Sends signals to the thread that calls, and runs no OCaml code: the handlers run when OCaml's code goes on.
#[ocaml::func]
pub fn process_signal_here(signals: isize) {
    for signal in [libc::SIGUSR1, libc::SIGUSR2, libc::SIGHUP, libc::SIGALRM]
        .into_iter()
        .take(signals as usize)
    {
        // SAFETY: the program has handlers
        unsafe { libc::raise(signal) };
    }
}

/// Panics where it is called.
#[func]
pub async fn process_panics_at_once(message: String) {
    panic!("{message}");
}
