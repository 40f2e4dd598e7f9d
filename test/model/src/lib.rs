//! The bridge's own source files that know nothing of OCaml, as they are: their unit tests run here, since a test binary
//! of the crate itself would have to link OCaml's runtime; and with `--cfg loom` their atomics are the model checker's.
#![allow(dead_code, missing_docs)]

#[path = "../../../rust/ocaml-lwt-interop/src/wake/state.rs"]
mod wake_state;

#[path = "../../../rust/ocaml-lwt-interop/src/executor/checked.rs"]
mod checked;

#[path = "../../../rust/ocaml-lwt-interop/src/executor/task_state.rs"]
mod task_state;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/lock.rs"]
mod lock;

/// The model checker's, as the crate's mutex: of a child of a `fork` it knows nothing.
#[cfg(loom)]
mod lock {
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> Option<loom::sync::MutexGuard<'_, T>> {
            Some(self.0.lock().expect("nothing panics under it"))
        }
    }
}

#[path = "../../../rust/ocaml-lwt-interop/src/lwt_to_rust/slot.rs"]
mod slot;

#[path = "../../../rust/ocaml-lwt-interop/src/panic.rs"]
mod panic;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/stack.rs"]
mod stack;

#[path = "../../../rust/ocaml-lwt-interop/src/chain.rs"]
mod chain;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/conversion/description.rs"]
mod description;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/conversion/description_text.rs"]
mod description_text;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/conversion/declare.rs"]
#[allow(unused_imports, reason = "the macros name them all")]
mod declare;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/rust_to_lwt/buffer.rs"]
mod buffer;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/rust_to_lwt/window.rs"]
mod window;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/home/queue.rs"]
mod queue;

#[path = "../../../rust/ocaml-lwt-interop/src/executor/task_cell.rs"]
mod task_cell;

#[path = "../../../rust/ocaml-lwt-interop/src/ending.rs"]
mod ending;

/// As much of the crate's as `ending.rs` names.
mod error {
    use crate::panic::Panic;

    #[derive(Debug)]
    pub(crate) struct Error;

    impl Error {
        pub(crate) fn from_panic(_panic: Panic) -> Error {
            Error
        }

        pub(crate) fn broken_promise() -> Error {
            Error
        }
    }
}

#[path = "../../../rust/ocaml-lwt-interop/src/executor/task_executor.rs"]
mod task_executor;

#[path = "../../../rust/ocaml-lwt-interop/src/executor/task_head.rs"]
mod task_head;
