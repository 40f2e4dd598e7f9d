//! What the modules of objects call.

use super::frame::Raised;
use crate::caml::{self, Standard};
use crate::home::{AtHome, Scope};
use crate::objects;

exports! {
    /// `close : t -> unit`, for the `t` of any object: its Rust value goes, once no call uses it. The second time nothing happens.
    /// On any thread that runs OCaml. Raises `Invalid_argument` for another value, and `Stack_overflow`.
    fn ocaml_lwt_interop_close(access: Access, object: Raw) -> Result<(), Raised> {
        caml::check_stacks(access)?;
        // The destructor may run here.
        let scope = AtHome::here().map(|at| Scope::enter(access, at));
        // SAFETY: OCaml calls, and nothing has allocated
        let is_object = unsafe { objects::close(object) };
        if let Some(scope) = &scope {
            scope.home().arm_if_needed(scope, false);
        }
        match is_object {
            true => Ok(()),
            false => Err(Raised::Message(
                Standard::InvalidArgument,
                "close: no object of Rust's: the OCaml type of an external is wrong, or of an Obj.magic".to_owned(),
            )),
        }
    }
}
