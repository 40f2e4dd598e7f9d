//! One OCaml domain as Rust sees it, its executor, and the proofs of being there. These rooms know one another.
//!
//! [`context`] says where we are; [`home`] is the executor, which has what [`local`] has: in its [`queue`] what is [`runnable`],
//! and in a [`registry`] what it is to end. [`sending`] is how others reach it. A [`visitor`] is a thread that only calls.

mod context;
#[allow(clippy::module_inception, reason = "it is what the house calls it")]
mod home;
mod sending;
mod calls;
mod local;
mod queue;
mod registry;
mod runnable;
pub(crate) mod visitor;

pub(crate) use calls::MOST_CALLS;
pub(crate) use context::{
    AtHome, BARE, Scope, disturbed, holds_lwts_lock, lwt_has_started, lwt_home, lwt_starts_here,
    note_lwts_domain, set_lwt_home, to_lwt,
};
pub(crate) use home::{Driver, Home};
pub use local::Budget;
pub(crate) use local::Local;
pub(crate) use queue::Queue;
pub(crate) use registry::{Key, Registry};
pub(crate) use runnable::{AssertSend, Runnable, Source, Task};
