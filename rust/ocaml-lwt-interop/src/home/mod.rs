//! One OCaml domain as Rust sees it, its executor, and the proofs of being there. These rooms know one another.
//!
//! [`context`] says where we are; [`home`] is the executor, which has what [`local`] has, what is [`runnable`], and what it is
//! to end, in a [`registry`].

mod context;
#[allow(clippy::module_inception, reason = "it is what the house calls it")]
mod home;
mod calls;
mod local;
mod registry;
mod runnable;

pub(crate) use calls::MOST_CALLS;
pub(crate) use context::{AtHome, BARE, Scope, disturbed, lwt_home, set_lwt_home, to_lwt};
pub(crate) use home::{Driver, Home};
pub use local::Budget;
pub(crate) use local::Local;
pub(crate) use registry::{Key, Registry};
pub(crate) use runnable::{AssertSend, Runnable, Source, Task};
