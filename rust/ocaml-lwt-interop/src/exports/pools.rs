//! What OCaml's half of a domain pool calls.

use std::panic::AssertUnwindSafe;

use crate::caml::lock::Access;
use crate::caml::{self, Passed, Raised, Raw, Standard, Thunk};
use crate::domain_pool::{self, DomainPool, worker};
use crate::error::Error;
use crate::errors_to_ocaml;
use crate::executor::start;
use crate::func::OCamlFunc;
use crate::home::{AtHome, Scope};
use crate::panic::catch;
use crate::rust_to_lwt::argument::{Argument, Arguments, Cancel, ConvertArgument, Signature};
use crate::rust_to_lwt::output::{Outcome, Settled};
use crate::rust_to_lwt::stub::rust_to_lwt;
use crate::stack;
use crate::values::OCamlValue;

exports! {
    /// `pool_create : int -> int`: a pool for so many worker domains, which the caller starts; gives its number. Raises `Misuse`
    /// where Lwt does not run, and `Failure`; and `Stack_overflow` before it begins.
    fn ocaml_lwt_interop_pool_create(access: Access, domains: usize) -> Result<isize, Raised> {
        caml::check_stacks(access)?;
        let what = "Rust_async.Domain_pool.create";
        let at = start::executor(access, what)?;
        if !at.home().is_lwt() {
            let scope = Scope::enter(access, at);
            let error = Error::misuse(format!(
                "{what} was called on a worker domain, but the promises of its jobs are Lwt's: call it on the thread that runs Lwt, \
                 and hand the pool to the job"
            ));
            return Err(errors_to_ocaml::of_error(&scope, &error).raised());
        }
        match domain_pool::create(domains) {
            Ok(number) => Ok(number as isize),
            Err(message) => Err(Raised::message(Standard::Failure, message)),
        }
    }

    /// `pool_start : int -> int -> unit`: this thread, that of a new domain, is a worker of that pool. Neither allocates nor
    /// raises.
    fn ocaml_lwt_interop_pool_start(pool: usize, worker: usize) {
        worker::start(pool, worker);
    }

    /// `pool_serve : (unit -> unit) -> unit`: calls the function, which takes turns until the domain is to end, again after each
    /// exception; then this worker domain leaves its pool. Does not raise; does not return after the bridge was shut down.
    fn ocaml_lwt_interop_pool_serve(access: Access, turns: Thunk) {
        while turns.call(access).is_err() {}
        drop(turns);
        on_worker(access, worker::leave);
    }

    /// `pool_turn : unit -> bool`: runs a job on this worker domain, or waits for one. False: the domain is to end. Does not
    /// raise: jobs keep their exceptions.
    fn ocaml_lwt_interop_pool_turn(access: Access, _unit: ()) -> bool {
        // A panic was reported.
        on_worker(access, worker::turn).unwrap_or(true)
    }

    /// `pool_gone : int -> int -> unit`: the worker of that pool could not be started. Neither allocates nor raises.
    fn ocaml_lwt_interop_pool_gone(pool: usize, worker: usize) {
        worker::gone(&domain_pool::find(pool), worker);
    }

    /// `pool_close : int -> bool -> unit Lwt.t`: closes the pool; resolved when its workers have left. Raises `Misuse` where Lwt
    /// does not run.
    fn ocaml_lwt_interop_pool_close(called: Called, pool: usize, cancel: bool) -> Result<Raw, Raised> {
        static SIGNATURE: Signature = Signature {
            function: "Rust_async.Domain_pool.shutdown",
            arguments: &[],
            cancel: Cancel::Detach,
            collects: false,
        };
        let make = move |_: &Arguments<'_>| Ok(domain_pool::close(pool, cancel));
        rust_to_lwt(called, [], &SIGNATURE, make, outcome)
    }

    /// `pool_forget : int -> unit`: the domains of the pool are gone. Neither allocates nor raises.
    fn ocaml_lwt_interop_pool_forget(pool: usize) {
        domain_pool::forget(pool);
    }

    /// `pool_detach : t -> (unit -> 'a) -> 'a Lwt.t`: `Rust_async.Domain_pool.detach`. Raises `Misuse`.
    fn ocaml_lwt_interop_pool_detach(called: Called, pool: Passed<'f>, function: Passed<'f>) -> Result<Raw, Raised> {
        static SIGNATURE: Signature = Signature {
            function: "Rust_async.Domain_pool.detach",
            arguments: &["pool", "function"],
            cancel: Cancel::Drop,
            collects: true,
        };
        let make = |arguments: &Arguments<'_>| {
            let pool = Argument::<DomainPool>::NEW.convert(arguments, 0)?;
            let function = Argument::<OCamlFunc<(), OCamlValue>>::NEW.convert(arguments, 1)?;
            Ok(domain_pool::detach(pool, function))
        };
        rust_to_lwt(called, [pool, function], &SIGNATURE, make, outcome)
    }
}

fn outcome<T>(ended: Result<T, Error>) -> Outcome<T> {
    Outcome(ended.map_or_else(Settled::Error, Settled::Value))
}

/// Runs `f` as a scope of this worker domain; elsewhere it does nothing. A panic is reported where Lwt runs.
fn on_worker<R>(access: Access<'_>, f: impl FnOnce(&Scope) -> R) -> Option<R> {
    let at = AtHome::here().filter(|at| !at.home().is_lwt())?;
    // At the beginning of the thread.
    debug_assert!(stack::check().is_ok());
    let scope = Scope::enter(access, at);
    match catch(AssertUnwindSafe(|| f(&scope))) {
        Ok(result) => Some(result),
        Err(panic) => {
            errors_to_ocaml::report_panic(&scope, &panic);
            None
        }
    }
}
