//! What the OCaml library calls: the `external`s of `ocaml/rust_async.ml`, in its order.
//!
//! Each is called by OCaml with the runtime lock held. A panic of ours would abort the process, not unwind into OCaml:
//! `extern "C"`. None leaves anything with a destructor behind when it raises.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use crate::caml::{self, Raw, UNIT};
use crate::domain_pool::{self, DomainPool, worker};
use crate::error::{Error, Kind};
use crate::exception;
use crate::executor::context::finalising;
use crate::executor::lifetime::{self, Status, status};
use crate::executor::{AtHome, Key, Scope, start, tick};
use crate::func::OCamlFunc;
use crate::panic::catch;
use crate::runtime;
use crate::rust_to_lwt::argument::{Argument, Arguments, Cancel, ConvertArgument, Signature};
use crate::rust_to_lwt::output::{Outcome, Settled};
use crate::rust_to_lwt::stub::rust_to_lwt;
use crate::values::OCamlValue;

/// `start : callbacks -> int`: makes this thread the domain thread; gives the wake descriptor. Raises `Failure`.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_start(callbacks: Raw) -> Raw {
    // SAFETY: OCaml calls, with its record
    let message = match unsafe { start::start(callbacks) } {
        Ok(descriptor) => return caml::int(descriptor as isize),
        // SAFETY: the lock is held; there may be no roots
        Err(message) => unsafe { caml::alloc_string(message.as_bytes()) },
    };
    // SAFETY: the lock is held, the string was just made, and this frame has nothing left to drop
    unsafe { ocaml::sys::caml_failwith_value(message.0) };
    unreachable!("caml_failwith_value returned")
}

/// What the hook at the beginning of a turn has to do; the numbers are those of `rust_async.ml`.
#[repr(isize)]
enum Turn {
    Nothing = 0,
    Tick = 1,
    /// Lwt's loop runs on another thread than the one that called Rust first.
    WrongThread = 2,
    /// The first turn in the child of a `fork`.
    Forked = 3,
    /// A guest may be waiting for the runtime lock, see `caml/guest.rs`.
    Yield = 4,
    /// As well as a tick.
    TickAndYield = 5,
}

/// `turn : unit -> turn`, `noalloc`: asked at the beginning of each turn of the loop.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_turn(_unit: Raw) -> Raw {
    let turn = match (status(), AtHome::here()) {
        (Status::Forked, _) => Turn::Forked,
        (_, None) => Turn::WrongThread,
        (_, Some(at)) if !at.home().is_lwt() => Turn::WrongThread,
        (_, Some(at)) => match (at.home().begin_turn(at), caml::guests_at_work()) {
            (false, false) => Turn::Nothing,
            (true, false) => Turn::Tick,
            (false, true) => Turn::Yield,
            (true, true) => Turn::TickAndYield,
        },
    };
    caml::int(turn as isize)
}

/// `tick : bool -> unit`: from the hook (`false`) or from the armed pause (`true`). Raises what escapes.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_tick(from_pause: Raw) -> Raw {
    // SAFETY: OCaml calls
    unsafe {
        in_scope(|scope| {
            if caml::int_val(from_pause) != 0 {
                scope.home().disarm(scope.at());
            }
            if scope.home().has_runnable(scope.at()) {
                tick::tick(scope);
            }
        })
    }
}

/// `readable : unit -> bool`, `noalloc`: the wake descriptor is readable. True: the caller arms.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_readable(_unit: Raw) -> Raw {
    let arm = status() != Status::Forked
        && AtHome::here().is_some_and(|at| at.home().descriptor_readable(at));
    caml::bool(arm)
}

/// `lost_pause : unit -> unit`, `noalloc`: the loop has no paused promise, so an armed one was abandoned.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_lost_pause(_unit: Raw) -> Raw {
    if let Some(at) = AtHome::here() {
        at.home().disarm(at);
    }
    UNIT
}

/// `cancel : int -> unit`: `Lwt.cancel` on the promise of the task with that key. Raises what escapes.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_cancel(key: Raw) -> Raw {
    // SAFETY: OCaml calls
    unsafe {
        in_scope(|scope| {
            scope
                .home()
                .cancel(scope, Key::from_int(caml::int_val(key)));
            scope.home().tick_if_outermost(scope);
        })
    }
}

/// `fulfilled : token -> 'a -> unit`: an awaited promise was fulfilled. Raises what escapes.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_fulfilled(token: Raw, value: Raw) -> Raw {
    // SAFETY: OCaml calls
    unsafe { settled(token, Ok(value)) }
}

/// `rejected : token -> exn -> unit`: an awaited promise was rejected. Raises what escapes.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_rejected(token: Raw, exception: Raw) -> Raw {
    // SAFETY: OCaml calls
    unsafe { settled(token, Err(exception)) }
}

/// # Safety
/// Called by OCaml with a token of ours and a live value.
unsafe fn settled(token: Raw, result: Result<Raw, Raw>) -> Raw {
    // SAFETY: OCaml calls
    unsafe {
        in_scope(|scope| {
            if let Some(sink) = caml::take_token(token) {
                sink.settle(scope, result);
                drop(sink);
                scope.home().tick_if_outermost(scope);
            }
        })
    }
}

/// `forget : token -> unit`: a wait was given up, but its callbacks stay on their promise. Neither allocates nor raises:
/// the slot behind the token is closed, so nothing of the user's is dropped with it.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_forget(token: Raw) -> Raw {
    // SAFETY: OCaml calls, with a token of ours
    drop(unsafe { caml::empty_token(token) });
    caml::UNIT
}

/// `pull : stream_token -> arrived`: the reader of a Rust stream has nothing left. Raises nothing: what escapes meanwhile
/// leaves with the next tick, and the items are not lost.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_pull(token: Raw) -> Raw {
    let Some(at) = AtHome::here() else {
        // `Elsewhere`
        return caml::int(2);
    };
    // SAFETY: OCaml calls
    let scope = unsafe { Scope::enter(at) };
    // SAFETY: OCaml calls, with a token of ours
    let source = unsafe { caml::stream_source(token) };
    let arrived = match catch(AssertUnwindSafe(|| source.pull(&scope))) {
        Ok(arrived) => arrived,
        Err(panic) => {
            let exception = exception::of_panic(&scope, &panic);
            exception::report_async(&scope, &exception);
            ocaml::Value::Raw(caml::int(0).0)
        }
    };
    // Nothing allocates on the OCaml heap until it is returned.
    arrived.raw()
}

/// `abandon : stream_token -> unit`, `noalloc`: nobody will read the stream any more. Called in a finaliser: queues only.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_abandon(token: Raw) -> Raw {
    // The locks of the queue may be held by threads that the child of a `fork` does not have.
    if status() != Status::Forked {
        // SAFETY: OCaml calls, with a token of ours
        let source = unsafe { caml::stream_source(token) };
        finalising(|| source.abandon());
    }
    UNIT
}

/// A deadline so far away can still be computed with.
const FOR_EVER: Duration = Duration::from_secs(1_000_000_000);

/// `shutdown : float -> unit`: seconds to wait for Tokio. Raises what escapes.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_shutdown(timeout: Raw) -> Raw {
    // SAFETY: OCaml calls with a float
    let seconds = unsafe { ocaml::sys::caml_sys_double_val(timeout.0) };
    let timeout = if seconds > FOR_EVER.as_secs_f64() {
        FOR_EVER
    } else {
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    };
    // SAFETY: OCaml calls
    unsafe { in_scope(|scope| lifetime::shutdown(scope, timeout)) }
}

/// `disown : unit -> unit`: in the child of a `fork`, rejects what can never be resolved there. Raises what escapes.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_disown(_unit: Raw) -> Raw {
    start::settle_after_fork();
    // SAFETY: OCaml calls
    unsafe { in_scope(lifetime::disown_all) }
}

/// `configure : int option -> string option -> int option -> int option -> float option -> bool`: false when it is too
/// late. Raises `Invalid_argument` for a value out of range.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_configure(
    worker_threads: Raw,
    thread_name: Raw,
    max_blocking_threads: Raw,
    thread_stack_size: Raw,
    thread_keep_alive: Raw,
) -> Raw {
    // SAFETY: OCaml calls, with values of these types
    let config = unsafe {
        config_of_ocaml(
            worker_threads,
            thread_name,
            max_blocking_threads,
            thread_stack_size,
            thread_keep_alive,
        )
    };
    let message = match config.and_then(runtime::configure) {
        Ok(()) => return caml::bool(true),
        Err(error) => match error.kind() {
            // SAFETY: the lock is held; there may be no roots
            Kind::InvalidArgument(text) => unsafe {
                caml::alloc_string(format!("Rust_async.configure: {text}").as_bytes())
            },
            _ => return caml::bool(false),
        },
    };
    // SAFETY: the lock is held, the string was just made, and this frame has nothing left to drop
    unsafe { ocaml::sys::caml_invalid_argument_value(message.0) };
    unreachable!("caml_invalid_argument_value returned")
}

/// Reads what `configure` was given.
///
/// # Safety
/// The lock is held; the values are live, and of the types of `configure`'s arguments. Nothing allocates on the OCaml heap.
unsafe fn config_of_ocaml(
    worker_threads: Raw,
    thread_name: Raw,
    max_blocking_threads: Raw,
    thread_stack_size: Raw,
    thread_keep_alive: Raw,
) -> Result<runtime::Config, Error> {
    // SAFETY: `Some` is a block of one field
    let some = |option| (!caml::is_immediate(option)).then(|| unsafe { caml::field(option, 0) });
    // A negative number is out of range, as zero is.
    let count = |option| some(option).map(|n| usize::try_from(caml::int_val(n)).unwrap_or(0));
    let mut config = runtime::Config::new();
    if let Some(count) = count(worker_threads) {
        config = config.worker_threads(count);
    }
    if let Some(name) = some(thread_name) {
        // SAFETY: a live string
        let name = String::from_utf8(unsafe { caml::string_bytes(name) })
            .map_err(|_| Error::invalid_argument("thread_name: not valid UTF-8"))?;
        config = config.thread_name(name);
    }
    if let Some(count) = count(max_blocking_threads) {
        config = config.max_blocking_threads(count);
    }
    if let Some(bytes) = count(thread_stack_size) {
        config = config.thread_stack_size(bytes);
    }
    if let Some(seconds) = some(thread_keep_alive) {
        // SAFETY: a live float
        let seconds = unsafe { ocaml::sys::caml_sys_double_val(seconds.0) };
        let time = Duration::try_from_secs_f64(seconds).map_err(|_| {
            Error::invalid_argument(format!("thread_keep_alive: {seconds} seconds is no time"))
        })?;
        config = config.thread_keep_alive(time);
    }
    Ok(config)
}

/// `pool_create : int -> int`: a pool for so many worker domains, which the caller starts; gives its number. Raises `Misuse`
/// where Lwt does not run, and `Failure`.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_pool_create(domains: Raw) -> Raw {
    let what = "Rust_async.Domain_pool.create";
    // SAFETY: OCaml calls; the argument is immediate
    let exception = match unsafe { start::executor(what) } {
        Err(exception) => exception,
        Ok(at) if !at.home().is_lwt() => {
            // SAFETY: OCaml calls
            let scope = unsafe { Scope::enter(at) };
            let error = Error::misuse(format!(
                "{what} was called on a worker domain, but its promises are Lwt's: call it on the thread that runs Lwt"
            ));
            exception::of_error(&scope, &error).exception.raw()
        }
        Ok(_) => {
            let message = match domain_pool::create(caml::int_val(domains) as usize) {
                Ok(number) => return caml::int(number as isize),
                // SAFETY: the lock is held
                Err(message) => unsafe { caml::alloc_string(message.as_bytes()) },
            };
            // SAFETY: the lock is held, the string was just made, and this frame has nothing left to drop
            unsafe { ocaml::sys::caml_failwith_value(message.0) };
            unreachable!("caml_failwith_value returned")
        }
    };
    // SAFETY: everything was dropped above, and nothing has allocated since the exception was made
    unsafe { caml::raise(exception) }
}

/// `pool_start : int -> int -> unit`: this thread, that of a new domain, is a worker of that pool. Neither allocates nor
/// raises.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_pool_start(pool: Raw, worker: Raw) -> Raw {
    worker::start(caml::int_val(pool) as usize, caml::int_val(worker) as usize);
    UNIT
}

/// `pool_serve : (unit -> unit) -> unit`: calls the function, which takes turns until the domain is to end, again after each
/// exception; then this worker domain leaves its pool. Does not raise; does not return after the bridge was shut down.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_pool_serve(turns: Raw) -> Raw {
    // SAFETY: OCaml calls, with a function of `unit`, which is rooted until the last call
    unsafe {
        let turns = caml::protect(turns);
        while caml::call(turns.raw(), &mut [UNIT]).is_err() {}
        on_worker(worker::leave);
    }
    UNIT
}

/// `pool_turn : unit -> bool`: runs a job on this worker domain, or waits for one. False: the domain is to end. Does not
/// raise: jobs keep their exceptions.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_pool_turn(_unit: Raw) -> Raw {
    // SAFETY: OCaml calls
    let goes_on = unsafe { on_worker(worker::turn) };
    // A panic was reported.
    caml::bool(goes_on.unwrap_or(true))
}

/// `pool_gone : int -> int -> unit`: the worker of that pool could not be started. Neither allocates nor raises.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_pool_gone(pool: Raw, worker: Raw) -> Raw {
    let pool = domain_pool::find(caml::int_val(pool) as usize);
    worker::gone(&pool, caml::int_val(worker) as usize);
    UNIT
}

/// `pool_close : int -> bool -> unit Lwt.t`: closes the pool; resolved when its workers have left. Raises `Misuse` where Lwt
/// does not run.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_pool_close(pool: Raw, cancel: Raw) -> Raw {
    static SIGNATURE: Signature = Signature {
        function: "Rust_async.Domain_pool.shutdown",
        arguments: &[],
        cancel: Cancel::Detach,
    };
    let pool = caml::int_val(pool) as usize;
    let cancel = caml::int_val(cancel) != 0;
    let make = move |_: &Arguments<'_>| Ok(domain_pool::close(pool, cancel));
    // SAFETY: OCaml calls; this frame has nothing to drop
    unsafe {
        rust_to_lwt(&SIGNATURE, [], make, |ended: Result<(), Error>| {
            Outcome(ended.map_or_else(Settled::Error, Settled::Value))
        })
    }
}

/// `pool_forget : int -> unit`: the domains of the pool are gone. Neither allocates nor raises.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_pool_forget(pool: Raw) -> Raw {
    domain_pool::forget(caml::int_val(pool) as usize);
    UNIT
}

/// `pool_detach : t -> (unit -> 'a) -> 'a Lwt.t`: `Rust_async.Domain_pool.detach`. Raises `Misuse`.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_pool_detach(pool: Raw, function: Raw) -> Raw {
    static SIGNATURE: Signature = Signature {
        function: "Rust_async.Domain_pool.detach",
        arguments: &["pool", "function"],
        cancel: Cancel::Drop,
    };
    let make = |arguments: &Arguments<'_>| {
        let pool = Argument::<DomainPool>::NEW.convert(arguments, 0)?;
        let function = Argument::<OCamlFunc<(), OCamlValue>>::NEW.convert(arguments, 1)?;
        Ok(domain_pool::detach(pool, function))
    };
    // SAFETY: OCaml calls, with values of these types; this frame has nothing to drop
    unsafe {
        rust_to_lwt(
            &SIGNATURE,
            [pool, function],
            make,
            |ended: Result<_, Error>| Outcome(ended.map_or_else(Settled::Error, Settled::Value)),
        )
    }
}

/// Runs `f` as a scope of this worker domain. A panic is reported where Lwt runs.
///
/// # Safety
/// Called by a stub that OCaml called on the thread of a worker domain, with nothing to drop in its frame.
unsafe fn on_worker<R>(f: impl FnOnce(&Scope) -> R) -> Option<R> {
    let at = AtHome::here().filter(|at| !at.home().is_lwt())?;
    // SAFETY: OCaml called, by the caller's word
    let scope = unsafe { Scope::enter(at) };
    match catch(AssertUnwindSafe(|| f(&scope))) {
        Ok(result) => Some(result),
        Err(panic) => {
            let exception = exception::of_panic(&scope, &panic);
            exception::report_async(&scope, &exception);
            None
        }
    }
}

/// `stats : unit -> int * int * int`: live tasks, subscriptions and roots.
///
/// # Safety
/// Called by `rust_async.ml`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_stats(_unit: Raw) -> Raw {
    let stats = crate::stats::Stats::now();
    // SAFETY: the lock is held; three immediates are stored before anything else can allocate
    unsafe {
        let block = ocaml::sys::caml_alloc_tuple(3);
        for (i, n) in [stats.tasks, stats.subscriptions, stats.roots]
            .into_iter()
            .enumerate()
        {
            ocaml::sys::store_field(block, i, caml::int(n as isize).0);
        }
        Raw(block)
    }
}

/// Runs `f` as a scope and raises what escaped meanwhile. On a thread that does not run Lwt nothing is done.
///
/// # Safety
/// Called by a stub that OCaml called, with nothing to drop in its frame.
unsafe fn in_scope(f: impl FnOnce(&Scope)) -> Raw {
    let at = AtHome::here().filter(|at| at.home().is_lwt());
    let escaped = at.and_then(|at| {
        // SAFETY: OCaml called, by the caller's word
        let scope = unsafe { Scope::enter(at) };
        // A waker of the user's that panics, say.
        if let Err(panic) = catch(AssertUnwindSafe(|| f(&scope))) {
            let exception = exception::of_panic(&scope, &panic);
            exception::report_async(&scope, &exception);
        }
        let escaped = at.home().take_escaped(&scope);
        // SAFETY: the lock is held; the root goes here, and nothing allocates until the exception is raised
        escaped.map(|root| unsafe { root.get() })
    });
    match escaped {
        None => UNIT,
        // SAFETY: everything was dropped above
        Some(exception) => unsafe { caml::raise(exception) },
    }
}
