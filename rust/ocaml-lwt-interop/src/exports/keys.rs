//! What `storage_public.ml` calls.

use crate::home::{AtHome, Scope};
use crate::storage;

exports! {
    /// `run : int -> unit`: calls a closure, which does not raise.
    fn ocaml_lwt_interop_under(access: Access, number: isize) {
        let Some(at) = AtHome::here() else { return };
        // The closure touches OCaml's values, so this thread says that OCaml called.
        let _scope = Scope::enter(access, at);
        // SAFETY: the number of a closure of ours that waits to be called
        unsafe { storage::run_closure(number) };
    }
}
