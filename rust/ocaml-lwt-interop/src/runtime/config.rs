//! [`Config`]: what Tokio's runtime is to be like.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;

use super::gate::GATE;
use crate::error::Error;
use crate::panic::untold;

/// How many threads there may be for what blocks, and how long they stay when they have nothing to do: Tokio's own, and those
/// of OCaml's.
#[derive(Clone, Copy)]
pub(crate) struct BlockingLimits {
    pub(crate) threads: usize,
    pub(crate) keep_alive: Duration,
}

/// What Tokio's runtime is to be like, for [`configure`](super::configure). What is not said is Tokio's default.
///
/// ```
/// use ocaml_lwt_interop::runtime::{Config, configure};
///
/// /// In OCaml, before the first call of a Rust function, it is `Rust_async.configure ~worker_threads:2 ()`.
/// pub fn use_two_workers() -> Result<(), ocaml_lwt_interop::Error> {
///     configure(Config::new().worker_threads(2))
/// }
/// ```
#[derive(Clone, Default)]
#[must_use = "it does nothing until it is given to `configure`"]
pub struct Config {
    worker_threads: Option<usize>,
    thread_name: Option<ThreadName>,
    max_blocking_threads: Option<usize>,
    thread_stack_size: Option<usize>,
    thread_keep_alive: Option<Duration>,
}

#[derive(Clone)]
enum ThreadName {
    Same(String),
    Each(Arc<dyn Fn() -> String + Send + Sync>),
}

/// Tokio counts its workers in 16 bits.
const THREADS: RangeInclusive<usize> = 1..=u16::MAX as usize;

/// From what a poll of Tokio's own needs, to a gigabyte.
const STACK_SIZES: RangeInclusive<usize> = 1 << 16..=1 << 30;

impl Config {
    /// Tokio's defaults, and threads called `tokio-ocaml`.
    pub const fn new() -> Config {
        Config {
            worker_threads: None,
            thread_name: None,
            max_blocking_threads: None,
            thread_stack_size: None,
            thread_keep_alive: None,
        }
    }

    /// How many threads run futures: 1 to 65535. Default: the environment variable `TOKIO_WORKER_THREADS`, or else one for
    /// each core.
    pub fn worker_threads(mut self, count: usize) -> Config {
        self.worker_threads = Some(count);
        self
    }

    /// What all threads are called, workers and others. A name has no zero bytes. Linux shows its first 15 bytes.
    pub fn thread_name(mut self, name: impl Into<String>) -> Config {
        self.thread_name = Some(ThreadName::Same(name.into()));
        self
    }

    /// What each new thread is called. The function runs where a thread is started, on any thread. It first runs where the
    /// runtime is made: there it must not ask for [`tokio_rt`](super::tokio_rt), and [`configure`](super::configure) is too
    /// late. Later it runs inside of Tokio's `spawn_blocking`, which it must not call itself. If it panics, the thread is
    /// not started, or the runtime is not made.
    pub fn thread_name_fn(mut self, name: impl Fn() -> String + Send + Sync + 'static) -> Config {
        self.thread_name = Some(ThreadName::Each(Arc::new(name)));
        self
    }

    /// How many threads at most run `#[func(blocking)]` and `spawn_blocking`, beside the workers; and how many of OCaml's
    /// threads run [`run_blocking_in_ocaml`](crate::run_blocking_in_ocaml). 1 to 65535; further calls wait for their turn.
    /// Default: 512.
    pub fn max_blocking_threads(mut self, count: usize) -> Config {
        self.max_blocking_threads = Some(count);
        self
    }

    /// The stack of each thread, in bytes: 64 KiB to 1 GiB. Default: 2 MiB. (Not of OCaml's threads.)
    pub fn thread_stack_size(mut self, bytes: usize) -> Config {
        self.thread_stack_size = Some(bytes);
        self
    }

    /// How long a thread for blocking calls stays when it has nothing to do. Default: 10 seconds.
    pub fn thread_keep_alive(mut self, time: Duration) -> Config {
        self.thread_keep_alive = Some(time);
        self
    }

    /// Whether all values are in range.
    pub(super) fn check(&self) -> Result<(), Error> {
        let in_range = |what, value: Option<usize>, range: RangeInclusive<usize>| match value {
            Some(value) if !range.contains(&value) => Err(Error::invalid_argument(format!(
                "{what}: {value} is not in the range from {} to {}",
                range.start(),
                range.end()
            ))),
            _ => Ok(()),
        };
        in_range("worker_threads", self.worker_threads, THREADS)?;
        in_range("max_blocking_threads", self.max_blocking_threads, THREADS)?;
        in_range("thread_stack_size", self.thread_stack_size, STACK_SIZES)?;
        match &self.thread_name {
            Some(ThreadName::Same(name)) if name.contains('\0') => {
                Err(Error::invalid_argument("thread_name: it has a zero byte"))
            }
            _ => Ok(()),
        }
    }

    /// What `later` says holds. Gives what does not hold any more, for the caller to drop.
    pub(super) fn merge(&mut self, later: Config) -> Config {
        let before = self.clone();
        let after = Config {
            worker_threads: later.worker_threads.or(self.worker_threads),
            thread_name: later.thread_name.or_else(|| self.thread_name.clone()),
            max_blocking_threads: later.max_blocking_threads.or(self.max_blocking_threads),
            thread_stack_size: later.thread_stack_size.or(self.thread_stack_size),
            thread_keep_alive: later.thread_keep_alive.or(self.thread_keep_alive),
        };
        *self = after;
        before
    }

    pub(super) fn blocking_limits(&self) -> BlockingLimits {
        BlockingLimits {
            threads: self.max_blocking_threads.unwrap_or(512),
            keep_alive: self.thread_keep_alive.unwrap_or(Duration::from_secs(10)),
        }
    }

    pub(super) fn apply(&self, builder: &mut Builder) {
        if let Some(count) = self.worker_threads {
            builder.worker_threads(count);
        }
        match &self.thread_name {
            None => builder.thread_name("tokio-ocaml"),
            Some(ThreadName::Same(name)) => builder.thread_name(name),
            Some(ThreadName::Each(name)) => {
                let name = name.clone();
                builder.thread_name_fn(move || {
                    // Its panics are its own, but for one that leaves it, with a panic or without.
                    let named = untold(|| catch_unwind(AssertUnwindSafe(|| name())));
                    named.unwrap_or_else(|payload| {
                        GATE.fail();
                        resume_unwind(payload)
                    })
                })
            }
        };
        if let Some(count) = self.max_blocking_threads {
            builder.max_blocking_threads(count);
        }
        if let Some(bytes) = self.thread_stack_size {
            builder.thread_stack_size(bytes);
        }
        if let Some(time) = self.thread_keep_alive {
            builder.thread_keep_alive(time);
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.thread_name.as_ref().map(|name| match name {
            ThreadName::Same(name) => name,
            ThreadName::Each(_) => "a function",
        });
        f.debug_struct("Config")
            .field("worker_threads", &self.worker_threads)
            .field("thread_name", &name)
            .field("max_blocking_threads", &self.max_blocking_threads)
            .field("thread_stack_size", &self.thread_stack_size)
            .field("thread_keep_alive", &self.thread_keep_alive)
            .finish()
    }
}
