//! Settings, numbers, and the end of everything.

use std::time::Duration;

use super::frame::{Raise, Raised, in_scope};
use crate::caml::lock::Access;
use crate::caml::{self, Callbacks, Raw, Standard};
use crate::declarations;
use crate::error::{Error, Kind};
use crate::executor::start;
use crate::runtime;
use crate::shutdown;
use crate::stats::Stats;

/// A deadline so far away can still be computed with.
const FOR_EVER: Duration = Duration::from_secs(1_000_000_000);

exports! {
    /// `shutdown : float -> unit`: seconds to wait for Tokio. Raises what escapes.
    fn ocaml_lwt_interop_shutdown(access: Access, timeout: Raw) -> Result<(), Raised> {
        // SAFETY: OCaml calls with a float
        let seconds = unsafe { caml::alloc::double_val(timeout) };
        let timeout = if seconds > FOR_EVER.as_secs_f64() {
            FOR_EVER
        } else {
            Duration::try_from_secs_f64(seconds).unwrap_or_default()
        };
        in_scope(access, Raise::Now, |scope| shutdown::shutdown(scope, timeout))
    }

    /// `disown : unit -> unit`: in the child of a `fork`, rejects what can never be resolved there. Raises what escapes.
    fn ocaml_lwt_interop_disown(access: Access, _unit: Raw) -> Result<(), Raised> {
        start::install_after_fork();
        in_scope(access, Raise::Now, shutdown::disown_all)
    }

    /// `was_raised_last : exn -> bool`, `noalloc`: whether the backtrace that the runtime keeps is this exception's.
    fn ocaml_lwt_interop_is_raised_last(exception: Raw) -> bool {
        // SAFETY: OCaml calls; nothing allocates
        caml::was_raised_last(unsafe { caml::lock::called() }, exception)
    }

    /// `version : unit -> string`: that of this half.
    fn ocaml_lwt_interop_version(access: Access, _unit: Raw) -> Raw {
        caml::alloc_string(access, env!("CARGO_PKG_VERSION").as_bytes())
    }

    /// `callbacks : unit -> int`, `noalloc`: how many fields the record has that OCaml gives.
    fn ocaml_lwt_interop_callbacks(_unit: Raw) -> isize {
        Callbacks::FIELDS
    }

    /// `fingerprint : string -> string`: that of a crate's declarations; empty for one that has none.
    fn ocaml_lwt_interop_fingerprint(access: Access, name: Raw) -> Raw {
        // SAFETY: OCaml calls, with a string; nothing was allocated
        let name = unsafe { caml::string_bytes(name) };
        let fingerprint = declarations::fingerprint(&String::from_utf8_lossy(&name));
        caml::alloc_string(access, fingerprint.unwrap_or_default().as_bytes())
    }

    /// `crates : unit -> string`: those that have declarations.
    fn ocaml_lwt_interop_crates(access: Access, _unit: Raw) -> Raw {
        let names: Vec<_> = declarations::crates().into_iter().collect();
        caml::alloc_string(access, names.join(", ").as_bytes())
    }

    /// `flush_at_exit : unit -> unit`, `noalloc`: the program starts.
    fn ocaml_lwt_interop_flush_at_exit(_unit: Raw) {
        shutdown::flush_at_exit();
    }

    /// `configure : int option -> string option -> int option -> int option -> float option -> bool`: false when it is too
    /// late. Raises `Invalid_argument` for a value out of range.
    fn ocaml_lwt_interop_configure(
        access: Access,
        worker_threads: Raw,
        thread_name: Raw,
        max_blocking_threads: Raw,
        thread_stack_size: Raw,
        thread_keep_alive: Raw
    ) -> Result<bool, Raised> {
        // SAFETY: OCaml calls, with values of these types
        let config = unsafe {
            config_of_ocaml(
                access,
                worker_threads,
                thread_name,
                max_blocking_threads,
                thread_stack_size,
                thread_keep_alive,
            )
        };
        match config.and_then(runtime::configure) {
            Ok(()) => Ok(true),
            Err(error) => match error.kind() {
                Kind::InvalidArgument(text) => {
                    {let text = format!("Rust_async.configure: {text}"); Err(Raised::Message(Standard::InvalidArgument, text))}
                }
                _ => Ok(false),
            },
        }
    }

    /// `stats : unit -> int * int * int * int`: live tasks, subscriptions, roots and objects.
    fn ocaml_lwt_interop_stats(access: Access, _unit: Raw) -> Raw {
        let stats = Stats::now();
        let stats = [stats.tasks, stats.subscriptions, stats.roots, stats.objects];
        // SAFETY: immediates
        unsafe { caml::block(access, stats.len(), |i| caml::int(stats[i] as isize)) }
    }
}

/// Reads what `configure` was given.
///
/// # Safety
/// The values are live, and of the types of `configure`'s arguments. Nothing allocates on the OCaml heap.
unsafe fn config_of_ocaml(
    _access: Access<'_>,
    worker_threads: Raw,
    thread_name: Raw,
    max_blocking_threads: Raw,
    thread_stack_size: Raw,
    thread_keep_alive: Raw,
) -> Result<runtime::Config, Error> {
    // SAFETY: the caller's word; `Some` is a block of one field
    let (workers, name, blocking, stack_size, keep_alive) = unsafe {
        let some = |option| (!caml::is_immediate(option)).then(|| caml::field(option, 0));
        (
            some(worker_threads),
            some(thread_name).map(|name| caml::string_bytes(name)),
            some(max_blocking_threads),
            some(thread_stack_size),
            some(thread_keep_alive).map(|seconds| caml::alloc::double_val(seconds)),
        )
    };
    // A negative number is out of range, as zero is.
    let count = |n: Option<Raw>| n.map(|n| usize::try_from(caml::int_val(n)).unwrap_or(0));
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
