//! Says on standard error when one poll of a future at home goes on for seconds: Lwt stands still meanwhile, and a `block_on`
//! there of what needs home never ends. In a debug build, and where the environment variable `RUST_ASYNC_WATCH` says how many
//! seconds.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Once, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::signals;
use crate::status::{Status, status};

/// Somebody watches.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// Who watches.
static WATCHES: OnceLock<Thread> = OnceLock::new();

/// How many polls have begun and ended where Lwt runs, those inside of others not counted: odd while there is one.
static POLLS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A poll, until it is dropped.
pub(super) struct Polling {
    not_send: std::marker::PhantomData<*const ()>,
}

impl Polling {
    /// On the thread that runs Lwt. `None`: nobody watches.
    #[inline]
    pub(super) fn begin() -> Option<Polling> {
        WATCHED.load(Ordering::Relaxed).then(Self::begin_watched)
    }

    #[cold]
    fn begin_watched() -> Polling {
        if DEPTH.replace(DEPTH.get() + 1) == 0 {
            POLLS.fetch_add(1, Ordering::Relaxed);
        }
        Polling {
            not_send: std::marker::PhantomData,
        }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        if DEPTH.get() == 0 {
            POLLS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// How long a poll may take in a debug build.
const LONG: Duration = Duration::from_secs(5);

fn limit() -> Option<Duration> {
    match std::env::var("RUST_ASYNC_WATCH") {
        Ok(seconds) => seconds
            .parse()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|limit| !limit.is_zero()),
        Err(_) => cfg!(debug_assertions).then_some(LONG),
    }
}

/// So long, unless the bridge ends meanwhile.
fn sleep(limit: Duration) -> bool {
    let begun = Instant::now();
    while status() == Status::Running {
        match limit.checked_sub(begun.elapsed()) {
            None | Some(Duration::ZERO) => return true,
            // It may end early.
            Some(left) => thread::park_timeout(left),
        }
    }
    false
}

/// The bridge has ended, and there are no polls any more. A process whose main thread has left lives as long as any other thread.
pub(crate) fn end() {
    if let Some(thread) = WATCHES.get() {
        thread.unpark();
    }
}

/// Begins to watch, if somebody wants that; once.
pub(super) fn watch() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| {
        let Some(limit) = limit() else { return };
        let watch = move || {
            signals::block();
            let mut before = 0;
            while sleep(limit) {
                let polls = POLLS.load(Ordering::Relaxed);
                // The same poll as a whole limit ago, told once.
                if polls % 2 == 1 && polls == before {
                    eprintln!(
                        "ocaml-lwt-interop: one poll of a future on the thread that runs Lwt goes on for {limit:?} or more, and \
                         Lwt stands still: a block_on there of what needs Lwt (a promise, an OCaml function, Handle::call) \
                         never ends, so await it instead; what computes or blocks belongs in a #[func(tokio)] or \
                         #[func(blocking)]"
                    );
                    before = 0;
                    while POLLS.load(Ordering::Relaxed) == polls && sleep(limit) {}
                } else {
                    before = polls;
                }
            }
        };
        let watches = thread::Builder::new()
            .name("rust-async-watch".to_owned())
            .spawn(watch);
        if let Ok(watches) = watches {
            let _ = WATCHES.set(watches.thread().clone());
            WATCHED.store(true, Ordering::Relaxed);
        }
    });
}
