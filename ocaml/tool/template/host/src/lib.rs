//! What Rust and OCaml say to one another. OCaml's module `My_project` is made from it.

use std::time::Duration;

use ocaml_lwt_interop::{Error, interface};

/// What the program wants of OCaml.
#[interface]
pub trait Greeter {
    /// Says hello to a name.
    async fn greet(&self, name: String) -> Result<String, Error>;
}

/// Waits, with Tokio's timer. OCaml calls it.
#[ocaml_lwt_interop::func]
pub async fn wait(milliseconds: u16) {
    tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
}
