//! What the modules of objects call.

use crate::caml::lock::finalising;
use crate::caml::{self, Raised, Standard};
use crate::home::{AtHome, Scope, visitor};
use crate::objects;

exports! {
    /// `close : t -> unit`, for the `t` of any object: its Rust value goes, once no call uses it. The second time nothing happens.
    /// On any thread that runs OCaml. Raises `Invalid_argument` for another value, and `Stack_overflow`.
    fn ocaml_lwt_interop_close(access: Access, object: ocaml::Value) -> Result<(), Raised> {
        caml::check_stacks(access)?;
        // The destructor may run here.
        let at = AtHome::here().or_else(visitor::here);
        let scope = at.map(|at| Scope::enter(access, at));
        let object = object;
        let is_object = match scope {
            Some(_) => objects::close(access, &object),
            // A thread that has never called: it holds the lock, and that is all.
            None => finalising(|| objects::close(access, &object)),
        };
        if let Some(scope) = &scope {
            scope.home().arm_if_needed(scope, false);
        }
        match is_object {
            true => Ok(()),
            false => Err(Raised::message(
                Standard::InvalidArgument,
                "close: no object of Rust's: the OCaml type of an external is wrong, or of an Obj.magic",
            )),
        }
    }
}
