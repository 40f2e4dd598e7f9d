//! The domain executor: the tasks of one OCaml domain, polled by its domain thread only.
//!
//! In flow order: [`task_cell`] is what runs, behind the head that is the same in every task ([`tasks`](crate::tasks)); [`task`] is what
//! its executor does for it;
//! [`tick`] polls; [`start`] makes an executor at first use, and [`end`] ends it. [`ocaml_runtime`] is for what runs there.

pub(crate) mod coop;
pub(crate) mod standstill;
mod task_cell;
pub(crate) mod task;
pub(crate) mod join;
pub(crate) mod tick;
pub(crate) mod end;
pub(crate) mod start;
pub(crate) mod ocaml_runtime;
