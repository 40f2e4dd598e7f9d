//! A Lwt promise becomes a Rust future.
//!
//! [`promise`] and [`func`] are what users hold; [`resolver`](crate::rust_to_lwt::resolver) is the other end of a promise that Rust makes. An awaited
//! promise has a [`subscription`] that leads to a [`slot`]. One of the [`guests`] settles one when a function that
//! blocks has ended, see [`guest`]. A [`stream`] is read by one promise after the other.

pub(crate) mod func;
pub(crate) mod guest;
pub(crate) mod guests;
pub(crate) mod promise;
mod slot;
pub(crate) mod stream;
mod subscription;
pub(crate) mod token;

pub(crate) use slot::Slot;
pub(crate) use subscription::{Subscription, cancel, look};
