//! Objects: Rust values that OCaml has as values of an abstract type.
//!
//! 1. OCaml's value is a custom block ([`block`]) that refers to a [`cell`], as an `Arc` does. The GC may move the block, never what
//!    is in the cell.
//! 2. A cell lives for as long as somebody uses it. OCaml's blocks of one object are one user together, from the first that is made
//!    until the last is collected, or until one is closed. Each [`Object`] is a user: a call has one for as long as it runs.
//! 3. Whoever is the last user may be a finaliser, or hold OCaml's lock. So the destructor does not run there, but where
//!    [`disposal`] takes it.
//! 4. An object that is not `Send` and `Sync` is used on the thread that made it, and nowhere else: its handle does not leave that,
//!    and a block is refused elsewhere.
//! 5. A call at home, where Lwt runs, borrows ([`borrowed`]) an object that OCaml was first given there: it is no user, but counts
//!    itself in a number that only this thread changes, without atomic operations. So OCaml's use of such an object ends only
//!    under the lock of Lwt's domain, and not before the last of these calls has ended. Who has no such lock sends it there.

mod disposal;
mod cell;
mod block;
mod borrowed;
mod given;

pub use block::{NotObject, NotSend, NotShared, Probe, object_on_a_thread_of_tokios};
pub(crate) use block::{close, was_refused};
pub use borrowed::Borrowed;
pub(crate) use cell::live_objects;
pub use cell::{OCamlObject, Object};
pub use given::Give;
