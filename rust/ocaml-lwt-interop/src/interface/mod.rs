//! Interfaces: what Rust wants of OCaml, as traits.
//!
//! ```
//! use ocaml_lwt_interop::interface;
//! use ocaml_lwt_interop::interface::Provided;
//! use ocaml_lwt_interop::Error;
//!
//! /// What the program asks OCaml for.
//! #[interface]
//! pub trait Dictionary {
//!     /// What a word means.
//!     async fn look_up(&self, word: String) -> Result<String, Error>;
//!     fn language(&self) -> String;
//! }
//!
//! /// An implementation is an argument like any other.
//! #[ocaml_lwt_interop::func]
//! pub async fn defined(dictionary: Provided<dyn Dictionary>, word: String) -> Result<String, Error> {
//!     Ok(format!("{} ({})", dictionary.look_up(word).await?, dictionary.language()))
//! }
//! ```
//! ```ocaml
//! module Dictionary : sig
//!   type t = dictionary = { look_up : string -> string Lwt.t; language : unit -> string }
//!   val provide : ?name:string -> t -> unit
//! end
//! ```
//!
//! 1. The functions of an implementation are rooted when it arrives, so a call looks into no record.
//! 2. What OCaml provides stays for as long as the process lives. There is one of an interface under each name.

mod results;
mod functions;
mod contract;
mod provided;
mod table;

pub use contract::Interface;
pub use functions::{Call, Functions};
pub use provided::Provided;
pub use results::{Gives, GivesError, GivesResult, GivesValue, MethodResult, MethodType};
pub use table::NotProvided;
pub(crate) use table::{find, is_empty, provide};
