//! A task, as who keeps, queues, wakes and cancels it sees it: whatever its future. Knows nothing of OCaml, so that a model checker,
//! and tests without OCaml, take these very files.
//!
//! In flow order: the [`state`] of a task is in its [`head`], which a [`reference`] leads to, and a [`waker`]; the [`executor`] is what is asked of who
//! polls; the [`memory`] of tasks that have ended is the next ones'. What is behind the head is `executor/task_cell.rs`.

pub(crate) mod state;
pub(crate) mod memory;
pub(crate) mod executor;
pub(crate) mod head;
pub(crate) mod reference;
mod waker;

pub(crate) use executor::Executor;
pub(crate) use reference::{Keeper, TaskRef};
