//! What OCaml's readers of Rust streams call.

use super::frame::Raised;
use crate::caml::reader::Reader;
use crate::caml::{self, lock};
use crate::executor::end::guarded;
use crate::home::{AtHome, Scope};
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
    Elsewhere = 2,
}

exports! {
    /// `pull : reader -> pulled`: the reader of a Rust stream has nothing left. Raises nothing but `Stack_overflow`, before it
    /// begins: what escapes meanwhile leaves with the next tick.
    fn ocaml_lwt_interop_pull(access: Access, reader: Raw) -> Result<isize, Raised> {
        caml::check_stacks(access)?;
        // SAFETY: OCaml calls, with a reader
        let source = unsafe { source_of(reader) };
        let pulled = match AtHome::of(source.home()) {
            None => Pulled::Elsewhere,
            Some(at) => {
                let scope = Scope::enter(access, at);
                // SAFETY: nothing has allocated. It is dropped before the scope is.
                let reader = unsafe { Reader::new(access, reader) };
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
    fn ocaml_lwt_interop_open_read(reader: Raw) -> bool {
        // SAFETY: OCaml calls, with a reader
        let source = unsafe { source_of(reader) };
        // SAFETY: as above; nothing here allocates
        let rooted = || unsafe { Reader::new(lock::called(), reader) };
        AtHome::of(source.home()).is_some_and(|at| source.open_read(at, &rooted))
    }

    /// `close : reader -> bool`: drops the Rust stream. False: this is another thread than that of the stream. What escapes meanwhile
    /// leaves with the next tick.
    fn ocaml_lwt_interop_close_stream(access: Access, reader: Raw) -> Result<bool, Raised> {
        caml::check_stacks(access)?;
        // SAFETY: OCaml calls, with a reader
        let source = unsafe { source_of(reader) };
        let Some(at) = AtHome::of(source.home()) else {
            return Ok(false);
        };
        // The destructors of the stream may wait for threads that the child of a `fork` does not have.
        if status() != Status::Forked {
            let scope = Scope::enter(access, at);
            guarded(&scope, || source.close(&scope));
            at.home().arm_if_needed(&scope, false);
        }
        Ok(true)
    }

    /// `major_cycle_ended : unit -> unit`, `noalloc`: called in a finaliser, on any thread: queues only.
    fn ocaml_lwt_interop_major_cycle_ended(_unit: Raw) {
        open_reads::major_cycle_ended();
    }
}
