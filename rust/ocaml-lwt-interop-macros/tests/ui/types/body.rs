#![allow(unused)]

#[path = "../../mock/mod.rs"]
mod mock;

use ocaml_lwt_interop_macros::func;

// Errors in the body are not the macro's, and look as if it were not there.
#[func(crate = "crate::mock")]
pub async fn greet(name: String) -> String {
    name + 1
}

fn main() {}
