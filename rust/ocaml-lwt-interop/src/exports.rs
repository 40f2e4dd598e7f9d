//! What the OCaml library calls: the `external`s of the modules in `ocaml/`.
//!
//! Each is called by OCaml with the runtime lock held. A panic of ours would abort the process, not unwind into OCaml:
//! `extern "C"`. None leaves anything with a destructor behind when it raises.

mod guests;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use crate::caml::{self, Raw, Root, UNIT};
use crate::domain_pool::{self, DomainPool, worker};
use crate::error::{Error, Kind};
use crate::errors_to_ocaml;
use crate::executor::{start, tick};
use crate::func::OCamlFunc;
use crate::home::{AtHome, Key, Runnable, Scope};
use crate::lwt_to_rust::token::{empty_token, take_token};
use crate::panic::catch;
use crate::runtime;
use crate::rust_to_lwt::argument::{Argument, Arguments, Cancel, ConvertArgument, Signature};
use crate::rust_to_lwt::open_reads;
use crate::rust_to_lwt::output::{Outcome, Settled};
use crate::rust_to_lwt::stream_token::source_of;
use crate::rust_to_lwt::stub::rust_to_lwt;
use crate::shutdown;
use crate::stack::{self, Overflow};
use crate::status::{Status, status};
use crate::storage;
use crate::values::OCamlValue;

/// `start : callbacks -> int`: makes this thread the domain thread; gives the wake descriptor. Raises `Failure`, and
/// `Stack_overflow` before it begins.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_start(callbacks: Raw) -> Raw {
    // SAFETY: this frame has nothing to drop
    unsafe { raise_if_overflow() };
    // SAFETY: OCaml calls, with its record
    let message = match unsafe { start::start(callbacks, shutdown::watch_this_thread) } {
        Ok(descriptor) => return caml::int(descriptor as isize),
        // SAFETY: the lock is held; there may be no roots
        Err(message) => unsafe { caml::alloc_string(message.as_bytes()) },
    };
    // SAFETY: the lock is held, the string was just made, and this frame has nothing left to drop
    unsafe { ocaml::sys::caml_failwith_value(message.0) };
    unreachable!("caml_failwith_value returned")
}

/// What the hook at the beginning of a turn has to do: bits, those of `loop.ml`.
mod turn {
    pub(super) const TICK: isize = 1;
    /// A guest may be waiting for the runtime lock, see `caml/guest.rs`.
    pub(super) const YIELD: isize = 2;
    /// Exceptions wait to be raised.
    pub(super) const RAISE: isize = 4;
    /// The turn before had no end.
    pub(super) const LEFT: isize = 8;
    /// The first turn in the child of a `fork`.
    pub(super) const FORKED: isize = 16;
    /// Lwt's loop runs on another thread than the one that called Rust first.
    pub(super) const WRONG_THREAD: isize = 32;
}

/// `enter_turn : unit -> int`, `noalloc`: called at the beginning of each turn of `Lwt_main.run`.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_enter_turn(_unit: Raw) -> Raw {
    let found = match (status(), AtHome::here()) {
        (Status::Forked, _) => turn::FORKED,
        (_, Some(at)) if at.home().is_lwt() => {
            let home = at.home();
            let bit = |bit, is_set| if is_set { bit } else { 0 };
            bit(turn::LEFT, home.enter_turn(at))
                | bit(turn::RAISE, home.escaped(at) > 0)
                | bit(turn::TICK, home.begin_turn(at))
                | bit(turn::YIELD, caml::guests_at_work())
        }
        _ => turn::WRONG_THREAD,
    };
    caml::int(found)
}

/// `leave_turn : unit -> unit`, `noalloc`: called at the end of each turn of `Lwt_main.run`.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_leave_turn(_unit: Raw) -> Raw {
    if let Some(at) = AtHome::here() {
        at.home().leave_turn(at);
    }
    UNIT
}

/// `escaped : unit -> bool`, `noalloc`: whether exceptions wait to be raised.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_escaped(_unit: Raw) -> Raw {
    caml::bool(AtHome::here().is_some_and(|at| at.home().escaped(at) > 0))
}

/// `is_lwt_thread : unit -> bool`, `noalloc`: whether this is the thread whose promises ours are.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_is_lwt_thread(_unit: Raw) -> Raw {
    caml::bool(AtHome::here().is_some_and(|at| at.home().is_lwt()))
}

/// `tick : bool -> unit`: from the hook (`false`) or from the armed pause (`true`).
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_tick(from_pause: Raw) -> Raw {
    let disarm = |at: AtHome| {
        if caml::int_val(from_pause) != 0 {
            at.home().disarm(at);
        }
    };
    let refuse = |at: AtHome| {
        // The next one comes from the descriptor.
        disarm(at);
        at.home().wake.signal_in_any_state();
        Err(Overflow)
    };
    // SAFETY: OCaml calls
    unsafe {
        in_scope_or(refuse, Raise::WhereNoHookComes, |scope| {
            disarm(scope.at());
            if scope.home().has_runnable(scope.at()) {
                tick::tick(scope);
            }
        })
    }
}

/// `raise_escaped : unit -> unit`: raises the first exception that waits for it, if there is one.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_raise_escaped(_unit: Raw) -> Raw {
    // SAFETY: OCaml calls
    unsafe { in_scope(Raise::Now, |_| ()) }
}

/// `keep : exn -> unit`: an exception came where raising it would do harm. It is raised where a turn ends.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_keep(exception: Raw) -> Raw {
    if let Some(at) = AtHome::here() {
        // SAFETY: OCaml calls, with a live exception, and nothing has allocated since
        unsafe {
            let scope = Scope::enter(at);
            at.home().escape(&scope, exception);
        }
    }
    UNIT
}

/// `must_arm : bool -> bool`, `noalloc`: the wake descriptor is readable. True: the caller arms. The argument: whether the loop
/// has no paused promise.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_must_arm(no_pause: Raw) -> Raw {
    let arm = status() != Status::Forked
        && AtHome::here().is_some_and(|at| at.home().must_arm(at, caml::int_val(no_pause) != 0));
    caml::bool(arm)
}

/// `armed : unit -> unit`, `noalloc`: behind `must_arm`, and after the caller has armed, if it was to.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_armed(_unit: Raw) -> Raw {
    // The descriptor of a child of `fork` is its parent's.
    if status() != Status::Forked
        && let Some(at) = AtHome::here()
    {
        at.home().armed_by_descriptor(at);
    }
    UNIT
}

/// `lost_pause : unit -> unit`, `noalloc`: an armed pause may have been abandoned: the next tick arms again.
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
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_cancel(key: Raw) -> Raw {
    let key = Key::from_int(caml::int_val(key));
    let put_off = |at: AtHome| {
        at.home().cancel_later(at, key);
        Ok(())
    };
    // SAFETY: OCaml calls
    unsafe {
        in_scope_or(put_off, Raise::OutsideOfTurns, |scope| {
            scope.home().cancel(scope, key);
            scope.home().tick_if_outermost(scope);
        })
    }
}

/// `fulfilled : token -> 'a -> unit`: an awaited promise was fulfilled. Raises what escapes.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_fulfilled(token: Raw, value: Raw) -> Raw {
    // SAFETY: OCaml calls
    unsafe { settled(token, Ok(value)) }
}

/// `rejected : token -> exn -> unit`: an awaited promise was rejected. Raises what escapes.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_rejected(token: Raw, exception: Raw) -> Raw {
    // SAFETY: OCaml calls
    unsafe { settled(token, Err(exception)) }
}

/// # Safety
/// Called by OCaml with a token of ours and a live value.
unsafe fn settled(token: Raw, result: Result<Raw, Raw>) -> Raw {
    let put_off = |at: AtHome| {
        // SAFETY: OCaml calls, so the lock is held; the value is live
        unsafe { settle_later(at, token, result) };
        Ok(())
    };
    // SAFETY: OCaml calls
    unsafe {
        in_scope_or(put_off, Raise::OutsideOfTurns, |scope| {
            if let Some(sink) = take_token(token) {
                sink.settle(scope, result);
                drop(sink);
                scope.home().tick_if_outermost(scope);
            }
        })
    }
}

/// Has the next tick settle what waits for the promise, where there is stack for it.
///
/// # Safety
/// As for [`settled`]. Runs no OCaml code, does not collect.
unsafe fn settle_later(at: AtHome, token: Raw, result: Result<Raw, Raw>) {
    // SAFETY: as the caller's
    let Some(sink) = (unsafe { take_token(token) }) else {
        return;
    };
    // SAFETY: the lock is held, and the value is live
    let result = unsafe {
        match result {
            Ok(value) => Ok(Root::new(value)),
            Err(exception) => Err(Root::new(exception)),
        }
    };
    let settle = move |scope: &Scope| {
        // SAFETY: a scope holds the lock; rooted until the sink has taken it
        unsafe {
            let result = match &result {
                Ok(value) => Ok(value.get()),
                Err(exception) => Err(exception.get()),
            };
            sink.settle(scope, result);
        }
    };
    at.home().queue_anywhere(Runnable::Settle(Box::new(settle)));
}

/// `forget : token -> unit`: a wait was given up, but its callbacks stay on their promise. Neither allocates nor raises:
/// the slot behind the token is closed, so nothing of the user's is dropped with it.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_forget(token: Raw) -> Raw {
    // SAFETY: OCaml calls, with a token of ours
    drop(unsafe { empty_token(token) });
    caml::UNIT
}

/// What a pull gave; the numbers are those of `pulled` in `reader.ml`.
#[repr(isize)]
enum Pulled {
    /// The stream has nothing now.
    Nothing = 0,
    /// It is in the reader.
    Something = 1,
    /// This thread is not that of the stream.
    Elsewhere = 2,
}

/// `pull : reader -> pulled`: the reader of a Rust stream has nothing left. Raises nothing but `Stack_overflow`, before it
/// begins: what escapes meanwhile leaves with the next tick.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_pull(reader: Raw) -> Raw {
    // SAFETY: this frame has nothing to drop
    unsafe { raise_if_overflow() };
    // SAFETY: OCaml calls, with a reader
    let source = unsafe { source_of(reader) };
    let pulled = match AtHome::of(source.home()) {
        None => Pulled::Elsewhere,
        Some(at) => {
            // SAFETY: OCaml calls
            let scope = unsafe { Scope::enter(at) };
            // SAFETY: a scope holds the lock; the reader is an argument, and live
            let reader = unsafe { caml::protect(reader) };
            if source.pull(&scope, &reader) {
                Pulled::Something
            } else {
                Pulled::Nothing
            }
        }
    };
    caml::int(pulled as isize)
}

/// `open_read : reader -> bool`, `noalloc`: the reader waits for what comes. False: there is something, and it is to pull
/// again; or this is another thread than the one that pulled.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_open_read(reader: Raw) -> Raw {
    // SAFETY: OCaml calls, with a reader
    let source = unsafe { source_of(reader) };
    let opened = match AtHome::of(source.home()) {
        None => false,
        // SAFETY: OCaml calls, with a reader, which is that of its stream
        Some(at) => unsafe { source.open_read(at, reader) },
    };
    caml::bool(opened)
}

/// `major_cycle_ended : unit -> unit`, `noalloc`: called in a finaliser, on any thread: queues only.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_major_cycle_ended(_unit: Raw) -> Raw {
    open_reads::major_cycle_ended();
    UNIT
}

/// `broken : token -> unit`: the bridge ends, and whoever waits with this token hears nothing any more. Raises what escapes.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_broken(token: Raw) -> Raw {
    // SAFETY: OCaml calls, with a token of ours
    unsafe {
        in_scope(Raise::OutsideOfTurns, |_scope| {
            if let Some(sink) = take_token(token) {
                sink.abandon();
            }
        })
    }
}

/// A deadline so far away can still be computed with.
const FOR_EVER: Duration = Duration::from_secs(1_000_000_000);

/// `run : int -> unit`, of `storage_public.ml`: calls a closure, which does not raise.
///
/// # Safety
/// Called by OCaml's half with the number of a closure of ours that waits to be called.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_under(number: Raw) -> Raw {
    let Some(at) = AtHome::here() else {
        return UNIT;
    };
    // SAFETY: OCaml calls, with a number of ours; the closure touches OCaml's values, so this thread says that OCaml called
    unsafe {
        let _scope = Scope::enter(at);
        storage::run_closure(caml::int_val(number));
    }
    UNIT
}

/// `shutdown : float -> unit`: seconds to wait for Tokio. Raises what escapes.
///
/// # Safety
/// Called by the OCaml library.
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
    unsafe { in_scope(Raise::Now, |scope| shutdown::shutdown(scope, timeout)) }
}

/// `disown : unit -> unit`: in the child of a `fork`, rejects what can never be resolved there. Raises what escapes.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_disown(_unit: Raw) -> Raw {
    start::settle_after_fork();
    // SAFETY: OCaml calls
    unsafe { in_scope(Raise::Now, shutdown::disown_all) }
}

/// `was_raised_last : exn -> bool`, `noalloc`: whether the backtrace that the runtime keeps is this exception's.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_is_raised_last(exception: Raw) -> Raw {
    // SAFETY: OCaml calls, with a live exception
    caml::bool(unsafe { caml::was_raised_last(exception) })
}

/// `flush_at_exit : unit -> unit`, `noalloc`: the program starts.
#[unsafe(no_mangle)]
extern "C" fn ocaml_lwt_interop_flush_at_exit(_unit: Raw) -> Raw {
    shutdown::flush_at_exit();
    UNIT
}

/// `configure : int option -> string option -> int option -> int option -> float option -> bool`: false when it is too
/// late. Raises `Invalid_argument` for a value out of range.
///
/// # Safety
/// Called by the OCaml library.
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
/// where Lwt does not run, and `Failure`; and `Stack_overflow` before it begins.
///
/// # Safety
/// Called by the OCaml library.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocaml_lwt_interop_pool_create(domains: Raw) -> Raw {
    // SAFETY: this frame has nothing to drop
    unsafe { raise_if_overflow() };
    let what = "Rust_async.Domain_pool.create";
    // SAFETY: OCaml calls; the argument is immediate
    let exception = match unsafe { start::executor(what) } {
        Err(exception) => exception,
        Ok(at) if !at.home().is_lwt() => {
            // SAFETY: OCaml calls
            let scope = unsafe { Scope::enter(at) };
            let error = Error::misuse(format!(
                "{what} was called on a worker domain, but the promises of its jobs are Lwt's: call it on the thread that runs Lwt, \
                 and hand the pool to the job"
            ));
            errors_to_ocaml::of_error(&scope, &error).exception.raw()
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
/// Called by the OCaml library.
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
/// Called by the OCaml library.
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
/// Called by the OCaml library.
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
/// Called by the OCaml library.
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

/// Raises `Stack_overflow` where too little of the stack is left to begin anything.
///
/// # Safety
/// Called by a stub that OCaml called, with nothing to drop in its frame.
unsafe fn raise_if_overflow() {
    // SAFETY: OCaml called, by the caller's word
    unsafe {
        if caml::check_stacks().is_err() {
            caml::raise_stack_overflow();
        }
    }
}

/// Runs `f` as a scope of this worker domain. A panic is reported where Lwt runs.
///
/// # Safety
/// Called by a stub that OCaml called on the thread of a worker domain, with nothing to drop in its frame.
unsafe fn on_worker<R>(f: impl FnOnce(&Scope) -> R) -> Option<R> {
    let at = AtHome::here().filter(|at| !at.home().is_lwt())?;
    // At the beginning of the thread.
    debug_assert!(stack::check().is_ok());
    // SAFETY: OCaml called, by the caller's word
    let scope = unsafe { Scope::enter(at) };
    match catch(AssertUnwindSafe(|| f(&scope))) {
        Ok(result) => Some(result),
        Err(panic) => {
            let exception = errors_to_ocaml::of_panic(&scope, &panic);
            errors_to_ocaml::report_async(&scope, &exception);
            None
        }
    }
}

/// `stats : unit -> int * int * int`: live tasks, subscriptions and roots.
///
/// # Safety
/// Called by the OCaml library.
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

/// Where exceptions that escaped go.
#[derive(Clone, Copy)]
enum Raise {
    /// One leaves the function: its caller is the program's, or a hook of `Lwt_main.run`.
    Now,
    /// Lwt calls, and would give it to its hook for asynchronous exceptions, which is for those of the program's callbacks. In
    /// a turn of `Lwt_main.run` it waits for the end of that.
    OutsideOfTurns,
    /// Lwt calls, in any loop: it waits for a hook of `Lwt_main.run`, unless it has turned out that none comes.
    WhereNoHookComes,
}

/// Runs `f` as a scope, and what is pending; raises what escaped, see [`Raise`], or `Stack_overflow` instead. On a thread that does not run Lwt nothing is
/// done.
///
/// # Safety
/// Called by a stub that OCaml called, with nothing to drop in its frame.
unsafe fn in_scope(raise: Raise, f: impl FnOnce(&Scope)) -> Raw {
    // SAFETY: as the caller's
    unsafe { in_scope_or(|_| Err(Overflow), raise, f) }
}

/// The same with what is done where there is too little stack for `f`: should it fail, `Stack_overflow` is raised. It runs no
/// OCaml code and does not collect.
///
/// # Safety
/// As for [`in_scope`].
unsafe fn in_scope_or(
    put_off: impl FnOnce(AtHome) -> Result<(), Overflow>,
    raise: Raise,
    f: impl FnOnce(&Scope),
) -> Raw {
    let at = AtHome::here().filter(|at| at.home().is_lwt());
    // SAFETY: OCaml called, by the caller's word
    if let (Some(at), Err(Overflow)) = (at, unsafe { caml::check_stacks() }) {
        drop(f);
        if put_off(at).is_err() {
            // SAFETY: everything was dropped above
            unsafe { caml::raise_stack_overflow() };
        }
        return UNIT;
    }
    let escaped = at.and_then(|at| {
        let home = at.home();
        // SAFETY: OCaml called, by the caller's word
        let scope = unsafe { Scope::enter(at) };
        // A waker of the user's that panics, say.
        if let Err(panic) = catch(AssertUnwindSafe(|| f(&scope))) {
            let exception = errors_to_ocaml::of_panic(&scope, &panic);
            errors_to_ocaml::report_async(&scope, &exception);
        }
        // Here and not in the code of Lwt's that comes next, which would lose other promises by it.
        home.handle_pending(&scope);
        let now = match raise {
            Raise::Now => true,
            Raise::OutsideOfTurns => !home.is_in_turn(at),
            Raise::WhereNoHookComes => home.runs_no_hooks(at),
        };
        let escaped = if now { home.take_escaped(&scope) } else { None };
        // SAFETY: the lock is held; the root goes here, and nothing allocates until the exception is raised
        escaped.map(|root| unsafe { root.get() })
    });
    match escaped {
        None => UNIT,
        // SAFETY: everything was dropped above
        Some(exception) => unsafe { caml::raise(exception) },
    }
}
