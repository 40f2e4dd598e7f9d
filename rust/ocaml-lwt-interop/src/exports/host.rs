//! Interfaces and their implementations; OCaml in a program of Rust's.

use ocaml::{FromValue, Value};

use crate::caml::{self, Raised, Standard};
use crate::declarations;
use crate::executor::start;
use crate::func::OCamlFunc;
use crate::home::{AtHome, Scope};
use crate::{host, interface};

exports! {
    /// `provide : string -> string -> 'a -> unit`: an implementation of that interface, under that name. Raises `Misuse`,
    /// `Invalid_argument` for one that was provided before, and `Stack_overflow`.
    fn ocaml_lwt_interop_provide(access: Access, interface: Vec<u8>, name: Vec<u8>, implementation: Value) -> Result<(), Raised> {
        caml::check_stacks(access)?;
        let at = start::executor(access, "provide")?;
        let scope = Scope::enter(access, at);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let key = (text(interface), text(name));
        interface::provide(scope.access(), at.home(), key, &implementation)
            .map_err(|why| Raised::message(Standard::InvalidArgument, why))
    }

    /// `host_runs : (unit -> unit) -> bool`: the modules are initialised, and Lwt's loop is about to run, which the function ends.
    /// False: it is not to run. At home.
    fn ocaml_lwt_interop_host_runs(access: Access, stop: Value) -> bool {
        let Some(at) = AtHome::here() else { return false };
        let _scope = Scope::enter(access, at);
        host::runs(OCamlFunc::from_value(stop), declarations::has_interfaces())
    }

    /// `host_has_ended : unit -> bool`, `noalloc`: whether the host was told of an end.
    fn ocaml_lwt_interop_host_has_ended(_unit: ()) -> bool {
        host::has_ended()
    }
}
