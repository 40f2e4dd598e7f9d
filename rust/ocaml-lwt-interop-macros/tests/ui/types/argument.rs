#![allow(unused)]

#[path = "../../mock/mod.rs"]
mod mock;

use ocaml_lwt_interop_macros::func;

struct Socket;

// The second argument of this one.
#[func(crate = "crate::mock")]
pub async fn sends(text: String, socket: Socket) {}

#[func(crate = "crate::mock")]
pub async fn sends_many(sockets: std::collections::HashMap<String, Socket>) {}

fn main() {}
