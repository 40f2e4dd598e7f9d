//! A Lwt promise becomes a Rust future.
//!
//! [`promise`] and [`func`] are what users hold; [`resolver`] is the other end of a promise that Rust makes. An awaited
//! promise has a [`subscription`] that leads to a [`slot`]. A [`guest`] settles one when it has called a function that
//! blocks. A [`stream`] is read by one promise after the other.

pub(crate) mod arguments;
pub(crate) mod func;
pub(crate) mod guest;
pub(crate) mod promise;
pub(crate) mod resolver;
mod slot;
pub(crate) mod stream;
mod subscription;

pub(crate) use slot::Slot;
pub(crate) use subscription::{Indexes, Release, Sink, Subscription, cancel, look};
