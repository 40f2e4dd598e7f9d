//! What OCaml's readers of Rust streams call.

use std::sync::Arc;

use crate::caml::reader::Reader;
use crate::caml::{self, Live, Passed, Raised};
use crate::executor::end::guarded;
use crate::home::{AtHome, Scope, Source};
use crate::rust_to_lwt::open_reads;
use crate::rust_to_lwt::stream_token::source_of;
use crate::status::{Status, status};

/// What a pull gave; the numbers are those of `pulled` in `reader.ml`.
#[repr(isize)]
enum Pulled {
    /// The stream has nothing now.
    Nothing = 0,
    /// It is in the reader.
    Something = 1,
    /// This thread is not that of the stream.
    OtherThread = 2,
}

exports! {
    /// `pull : reader -> pulled`: the reader of a Rust stream has nothing left. Raises nothing but `Stack_overflow`, before it
    /// begins: what escapes meanwhile leaves with the next tick.
    fn ocaml_lwt_interop_pull(called: Called, reader: Passed<'f>) -> Result<isize, Raised> {
        caml::check_stacks(called.quietly())?;
        let pulled = match source_here(called.look(reader)) {
            None => Pulled::OtherThread,
            Some((at, source)) => {
                let reader = Reader::of(called.look(reader));
                let scope = Scope::enter(called.begin(), at);
                // Dropped before the scope is.
                let reader = reader;
                if source.pull(&scope, &reader) {
                    Pulled::Something
                } else {
                    Pulled::Nothing
                }
            }
        };
        Ok(pulled as isize)
    }

    /// `open_read : reader -> bool`, `noalloc`: the reader waits for what comes. False: there is something, and it is to pull
    /// again; or this is another thread than the one that pulled.
    fn ocaml_lwt_interop_open_read(called: Called, reader: Passed<'f>) -> bool {
        let rooted = || Reader::of(called.look(reader));
        source_here(called.look(reader)).is_some_and(|(at, source)| source.open_read(at, &rooted))
    }

    /// `close : reader -> bool`: drops the Rust stream. False: this is another thread than that of the stream. What escapes meanwhile
    /// leaves with the next tick.
    fn ocaml_lwt_interop_close_stream(called: Called, reader: Passed<'f>) -> Result<bool, Raised> {
        caml::check_stacks(called.quietly())?;
        let Some((at, source)) = source_here(called.look(reader)) else {
            return Ok(false);
        };
        // The destructors of the stream may wait for threads that the child of a `fork` does not have.
        if status() != Status::Forked {
            let scope = Scope::enter(called.begin(), at);
            guarded(&scope, || source.close(&scope));
            at.home().arm_if_needed(&scope, false);
        }
        Ok(true)
    }

    /// `major_cycle_ended : unit -> unit`, `noalloc`: called in a finaliser, on any thread: queues only.
    fn ocaml_lwt_interop_major_cycle_ended(_unit: ()) {
        open_reads::major_cycle_ended();
    }
}

/// The stream of a reader, if this is its thread.
fn source_here(reader: Live<'_>) -> Option<(AtHome, Arc<dyn Source>)> {
    let source = source_of(reader).expect("OCaml passes a reader");
    Some((AtHome::of(source.home())?, source))
}
