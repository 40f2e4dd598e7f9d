//! A Lwt promise becomes a Rust future.
//!
//! [`promise`] and [`func`] are what users hold, and what they give is [`awaited`]. An awaited promise has a
//! [`subscription`] that leads to a [`slot`], by a [`token`] that OCaml's callbacks own. One of the [`blocking_threads`], which a [`blocking_queue`] feeds, settles one
//! when a function that blocks has ended, with an [`answer`]; see [`blocking_call`]. A [`stream`] is read by one promise after the
//! other.

mod slot;
pub(crate) mod token;
mod awaited;
mod answer;
mod blocking_queue;
pub(crate) mod blocking_threads;
mod subscription;
pub(crate) mod promise;
pub(crate) mod func;
pub(crate) mod blocking_call;
pub(crate) mod stream;

pub(crate) use slot::Slot;
