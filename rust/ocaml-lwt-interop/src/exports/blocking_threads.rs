//! What the loop of a blocking thread calls, see `lwt_to_rust/blocking_threads.rs`: on an OCaml thread, with no scope of ours.

use crate::caml::{Described, Raw, Root, Typed, UNIT, types};
use crate::error::Error;
use crate::errors_to_ocaml;
use crate::exception::{Exception, NoException};
use crate::home::to_lwt;
use crate::lwt_to_rust::blocking_threads;

exports! {
    /// `blocking_call_next : int -> Obj.t`: waits for a call, without the runtime lock; `()` when the thread is to end. Neither allocates
    /// nor raises.
    fn ocaml_lwt_interop_blocking_call_next(access: Access, id: isize) -> Raw {
        blocking_threads::next(access, id).unwrap_or(UNIT)
    }

    /// `blocking_call_begins : unit -> unit`, `noalloc`: the function is about to run.
    fn ocaml_lwt_interop_blocking_call_begins(_unit: ()) {
        blocking_threads::begin();
    }

    /// `blocking_call_ended : unit -> unit`, `noalloc`: the function has ended.
    fn ocaml_lwt_interop_blocking_call_ended(_unit: ()) {
        blocking_threads::ended();
    }

    /// `blocking_call_returned : Obj.t -> unit`: what it gave. Neither allocates nor raises.
    fn ocaml_lwt_interop_blocking_call_returned(access: Access, value: ocaml::Value) {
        drop(blocking_threads::answer(Some(Ok(Root::of(access, &value)))));
    }

    /// `blocking_call_raised : exn -> string * backtrace -> unit`: what it raised, or a finaliser did between two calls: that goes to
    /// `Lwt.async_exception_hook`. Neither allocates nor raises.
    fn ocaml_lwt_interop_blocking_call_raised(access: Access, exception: Typed<types::Exception>, described: Described) {
        let exception = Exception::already_described(access, &exception, described);
        let error = exception.map_or_else(|| Error::from(NoException), Error::from_exception);
        if let Err(error) = blocking_threads::answer(Some(Err(error))) {
            to_lwt(move |scope| {
                let exception = errors_to_ocaml::of_error(scope, &error);
                errors_to_ocaml::report_async(scope, &exception);
            });
        }
    }

    /// `blocking_call_exited : unit -> unit`: it called `Thread.exit`, where that is an exception. Neither allocates nor raises.
    fn ocaml_lwt_interop_blocking_call_exited(_unit: ()) {
        drop(blocking_threads::answer(None));
    }
}
