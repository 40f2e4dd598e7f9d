//! Settings, numbers, and the end of everything.

use std::time::Duration;

use super::frame::{Raise, in_scope};
use crate::caml::alloc::Block;
use crate::caml::{self, Callbacks, Passed, Raised, Raw, Standard};
use crate::declarations;
use crate::error::{Error, Kind};
use crate::executor::start;
use crate::host;
use crate::runtime;
use crate::shutdown;
use crate::stats::Stats;

/// A deadline so far away can still be computed with.
const FOR_EVER: Duration = Duration::from_secs(1_000_000_000);

exports! {
    /// `shutdown : float -> unit`: seconds to wait for Tokio. Raises what escapes.
    fn ocaml_lwt_interop_shutdown(called: Called, seconds: f64) -> Result<(), Raised> {
        let timeout = if seconds > FOR_EVER.as_secs_f64() {
            FOR_EVER
        } else {
            Duration::try_from_secs_f64(seconds).unwrap_or_default()
        };
        in_scope(called, Raise::Now, |scope| shutdown::shutdown(scope, timeout))
    }

    /// `disown : unit -> unit`: in the child of a `fork`, rejects what can never be resolved there. Raises what escapes.
    fn ocaml_lwt_interop_disown(called: Called, _unit: ()) -> Result<(), Raised> {
        start::install_after_fork();
        in_scope(called, Raise::Now, shutdown::disown_all)
    }

    /// `was_raised_last : exn -> bool`, `noalloc`: whether the backtrace that the runtime keeps is this exception's.
    fn ocaml_lwt_interop_is_raised_last(called: Called, exception: Passed<'f>) -> bool {
        caml::was_raised_last(called.look(exception))
    }

    /// `version : unit -> string`: that of this half.
    fn ocaml_lwt_interop_version(access: Access, _unit: ()) -> Raw {
        caml::alloc_string(access, env!("CARGO_PKG_VERSION").as_bytes())
    }

    /// `callbacks : unit -> int`, `noalloc`: how many fields the record has that OCaml gives.
    fn ocaml_lwt_interop_callbacks(_unit: ()) -> isize {
        Callbacks::FIELDS
    }

    /// `fingerprint : string -> string`: that of a crate's declarations; empty for one that has none.
    fn ocaml_lwt_interop_fingerprint(access: Access, name: Vec<u8>) -> Raw {
        let fingerprint = declarations::fingerprint(&String::from_utf8_lossy(&name));
        caml::alloc_string(access, fingerprint.unwrap_or_default().as_bytes())
    }

    /// `crates : unit -> string`: those that have declarations.
    fn ocaml_lwt_interop_crates(access: Access, _unit: ()) -> Raw {
        let names: Vec<_> = declarations::crates().into_iter().collect();
        caml::alloc_string(access, names.join(", ").as_bytes())
    }

    /// `flush_at_exit : unit -> unit`, `noalloc`: the program starts.
    fn ocaml_lwt_interop_flush_at_exit(_unit: ()) {
        host::ocaml_begins();
        shutdown::flush_at_exit();
    }

    /// `configure : int option -> string option -> int option -> int option -> float option -> bool`: false when it is too
    /// late. Raises `Invalid_argument` for a value out of range.
    fn ocaml_lwt_interop_configure(
        worker_threads: Option<isize>,
        thread_name: Option<Vec<u8>>,
        max_blocking_threads: Option<isize>,
        thread_stack_size: Option<isize>,
        thread_keep_alive: Option<f64>
    ) -> Result<bool, Raised> {
        let config = config(
            worker_threads,
            thread_name,
            max_blocking_threads,
            thread_stack_size,
            thread_keep_alive,
        );
        match config.and_then(runtime::configure) {
            Ok(()) => Ok(true),
            Err(error) => match error.kind() {
                Kind::InvalidArgument(text) => {
                    let text = format!("Rust_async.configure: {text}");
                    Err(Raised::message(Standard::InvalidArgument, text))
                }
                _ => Ok(false),
            },
        }
    }

    /// `stats : unit -> int * int * int * int * int`: live tasks, subscriptions, roots, objects and loans.
    fn ocaml_lwt_interop_stats(access: Access, _unit: ()) -> ocaml::Value {
        let Stats { tasks, subscriptions, roots, objects, loans } = Stats::now();
        let stats = [tasks, subscriptions, roots, objects, loans];
        let mut block = Block::alloc(access, stats.len(), 0);
        for number in stats {
            block.push(access, &ocaml::Value::Raw(caml::int(number as isize).0));
        }
        block.end()
    }
}

/// What `configure` was given.
fn config(
    workers: Option<isize>,
    name: Option<Vec<u8>>,
    blocking: Option<isize>,
    stack_size: Option<isize>,
    keep_alive: Option<f64>,
) -> Result<runtime::Config, Error> {
    // A negative number is out of range, as zero is.
    let count = |n: Option<isize>| n.map(|n| usize::try_from(n).unwrap_or(0));
    let mut config = runtime::Config::new();
    if let Some(count) = count(workers) {
        config = config.worker_threads(count);
    }
    if let Some(name) = name {
        let name = String::from_utf8(name)
            .map_err(|_| Error::invalid_argument("thread_name: not valid UTF-8"))?;
        config = config.thread_name(name);
    }
    if let Some(count) = count(blocking) {
        config = config.max_blocking_threads(count);
    }
    if let Some(bytes) = count(stack_size) {
        config = config.thread_stack_size(bytes);
    }
    if let Some(seconds) = keep_alive {
        let time = Duration::try_from_secs_f64(seconds).map_err(|_| {
            Error::invalid_argument(format!("thread_keep_alive: {seconds} seconds is no time"))
        })?;
        config = config.thread_keep_alive(time);
    }
    Ok(config)
}
