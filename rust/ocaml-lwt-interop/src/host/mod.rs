//! A program of Rust's with OCaml inside.
//!
//! `main` is Rust's, and so are the arguments, the signals and the exit code. OCaml is an object file that the build script of the
//! program links, with the crate `ocaml-lwt-interop-build`. [`start`] has a thread of its own run the initialisation of OCaml's
//! modules, and then Lwt's loop. The program's Tokio runtime is the bridge's.
//!
//! ```
//! use ocaml_lwt_interop::{Error, host, interface};
//!
//! #[interface]
//! pub trait Protocol {
//!     async fn apply(&self, block: String) -> Result<String, Error>;
//! }
//!
//! pub async fn program() -> Result<(), Box<dyn std::error::Error>> {
//!     let ocaml = host::start().await?;
//!     let protocol = ocaml.get::<dyn Protocol>()?;
//!     println!("{}", protocol.apply("a block".to_owned()).await?);
//!     ocaml.shutdown().await;
//!     Ok(())
//! }
//! ```
//!
//! OCaml starts once in a process. A program that leaves `main` ends, whatever OCaml does.
//!
//! # Do not start OCaml's runtime by other means
//!
//! `ocaml::init_persistent()` in a task, or in `block_on`, makes a thread OCaml's that is Tokio's already. The first call of a Rust
//! function is refused there, with a message. [`start`] has a thread for it.

mod life;
mod process;
mod thread;
mod running;
mod options;

pub use life::{Ended, StartError};
pub use options::{Options, shared, start};
pub use running::Host;

pub(crate) use life::{has_ended, ocaml_begins, runs};
