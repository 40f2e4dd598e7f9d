//! Bigarrays, which cross without a copy: [`Lent`] from OCaml to Rust, [`OwnedArray`] from Rust to OCaml.
//!
//! ```
//! # use ocaml_lwt_interop::{Error, Lent, OwnedArray};
//! # use tokio::io::AsyncReadExt;
//! /// The kernel writes what comes into OCaml's own memory.
//! #[ocaml_lwt_interop::func]
//! pub async fn receive(path: String, mut buffer: Lent<u8>) -> Result<usize, Error> {
//!     let mut peer = tokio::net::UnixStream::connect(path).await?;
//!     Ok(peer.read(&mut buffer).await?)
//! }
//!
//! /// Gives OCaml the memory that the file was read into.
//! #[ocaml_lwt_interop::func(blocking)]
//! pub fn read_all(path: String) -> Result<OwnedArray<u8>, Error> {
//!     Ok(std::fs::read(path)?.into())
//! }
//! ```
//!
//! In OCaml both arguments and results are `(char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t`, which is
//! `Lwt_bytes.t`.
//!
//! # What OCaml sees
//!
//! From when a [`Lent`] is made until it is dropped, OCaml's array has the length 0: each access raises `Invalid_argument`, and what
//! looks at the whole array, such as comparing, marshalling, `fill` and `sub`, finds it empty. Then it is what it was, with what
//! Rust has written. That is before the promise of the call is settled, unless Rust has kept the `Lent`, or a thread still works on
//! it: a cancelled call gives it back when Rust has really let go.
//!
//! Dropped on another thread it comes back in the loop's next turn. One that is never dropped stays empty: one that Rust leaks, one
//! that a thread still has when [the bridge](crate#the-end) has ended, and in the child of a `fork` one that a thread of its parent's
//! had.
//!
//! # What is refused
//!
//! Rust's compiler takes it for granted that nobody else writes to a `&[u8]`, and nobody else reads a `&mut [u8]`. So an array is
//! lent only where nobody else has its memory. One that shares it with another that OCaml still has (`Bigarray.Array1.sub` and its
//! like, `Lwt_bytes.proxy`), one that is lent already, a mapped file, and what a C library has made are refused with
//! `Invalid_argument`. Take an [`OwnedArray`] for those: as an argument it is a copy.
//!
//! What cannot be seen is up to OCaml's program, as it is without Rust: who uses `unsafe_get`, who lends an array which another
//! domain uses at that very moment, or which a job of Lwt's (`Lwt_bytes.read`) writes to meanwhile.

mod element;
mod lent;
mod owned;

pub use element::{Complex, Element, Uint8};
pub use lent::Lent;
pub use owned::OwnedArray;
