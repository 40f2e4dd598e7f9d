#![allow(unused)]

#[path = "../../mock/mod.rs"]
mod mock;

use ocaml_lwt_interop_macros::func;

struct Socket;

#[func(crate = "crate::mock")]
pub async fn connects(host: String) -> Socket {
    Socket
}

#[func(crate = "crate::mock")]
pub async fn connects_or_fails(host: String) -> Result<Socket, mock::__private::Error> {
    Ok(Socket)
}

fn main() {}
