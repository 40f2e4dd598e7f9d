//! The bridge's own source files that know nothing of OCaml, as they are, for the model checker: with `--cfg loom` their
//! atomics are loom's. (That flag changes Tokio too, so they are checked in a crate that does not depend on it.)
#![cfg(loom)]
#![allow(dead_code, missing_docs)]

#[path = "../../../rust/ocaml-lwt-interop/src/wake/state.rs"]
mod wake_state;

#[path = "../../../rust/ocaml-lwt-interop/src/executor/task_state.rs"]
mod task_state;
