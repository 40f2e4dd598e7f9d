//! How an executor's tasks run, and end, and what becomes of what other threads send meanwhile.

#[path = "../../../rust/ocaml-lwt-interop/src/executor/end.rs"]
pub(crate) mod end;
#[path = "../../../rust/ocaml-lwt-interop/src/executor/tick.rs"]
pub(crate) mod tick;

#[cfg(test)]
#[path = "model/shutdown.rs"]
mod model;
