//! The domain executor: the tasks of one OCaml domain, polled by its domain thread only.
//!
//! In flow order: [`task`] is what runs, with the states of [`task_state`]; [`tick`] polls; [`start`] makes an executor at
//! first use, and [`end`] ends it.

pub(crate) mod coop;
pub(crate) mod end;
pub(crate) mod join;
pub(crate) mod start;
pub(crate) mod task;
mod task_state;
pub(crate) mod tick;
