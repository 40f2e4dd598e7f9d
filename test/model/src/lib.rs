//! The bridge's own source files that know nothing of OCaml, so that their tests run without it, and the model checker
//! (`--cfg loom`) takes them as they are.
#![allow(dead_code, missing_docs)]

#[path = "../../../rust/ocaml-lwt-interop/src/wake/state.rs"]
mod wake_state;

#[path = "../../../rust/ocaml-lwt-interop/src/executor/task_state.rs"]
mod task_state;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/lwt_to_rust/slot.rs"]
mod slot;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/panic.rs"]
mod panic;
