//! The bridge's own source files that know nothing of OCaml, as they are: their unit tests run here, since a test binary
//! of the crate itself would have to link OCaml's runtime; and with `--cfg loom` their atomics are the model checker's. What these
//! files name of others that do know OCaml has a stand-in here.
#![allow(dead_code, missing_docs)]

// Their loom is another one.
#[cfg(real_threads)]
extern crate interop_model_threads as loom;

#[path = "../../../rust/ocaml-lwt-interop/src/checked.rs"]
#[allow(
    unused_imports,
    unused_macros,
    reason = "not all that name it are here"
)]
mod checked;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/wake/state.rs"]
mod wake_state;

#[cfg(loom)]
#[path = "../../../rust/ocaml-lwt-interop/src/wake/mod.rs"]
mod wake;

#[cfg(loom)]
#[path = "../../../rust/ocaml-lwt-interop/src/status.rs"]
mod status;

#[cfg(not(loom))]
#[path = "../../../rust/ocaml-lwt-interop/src/lock.rs"]
#[allow(unused_imports, reason = "not all that name it are here")]
mod lock;

#[cfg(loom)]
mod lock;

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

#[path = "../../../rust/ocaml-lwt-interop/src/caml/pile.rs"]
mod pile;

#[cfg(loom)]
#[path = "../../../rust/ocaml-lwt-interop/src/lwt_to_rust/blocking_queue.rs"]
mod blocking_queue;

#[cfg(loom)]
#[path = "../../../rust/ocaml-lwt-interop/src/runtime/gate.rs"]
mod gate;

#[path = "../../../rust/ocaml-lwt-interop/src/tasks/mod.rs"]
mod tasks;

#[path = "../../../rust/ocaml-lwt-interop/src/executor/task_cell.rs"]
mod task_cell;

#[path = "../../../rust/ocaml-lwt-interop/src/ending.rs"]
mod ending;

/// As much of the crate's as others name.
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

#[cfg(loom)]
mod home;
#[cfg(loom)]
mod executor;
#[cfg(loom)]
mod domain_pool;
#[cfg(loom)]
mod objects;

#[cfg(loom)]
mod conversion {
    pub(crate) mod declare {
        pub enum Coming {}
        pub enum Going {}
        pub trait OCamlType<D> {}
    }
}

#[cfg(loom)]
mod caml {
    /// A block that OCaml has.
    #[derive(Clone, Copy)]
    pub(crate) struct Live<'a>(pub(crate) &'a crate::objects::Block);

    pub(crate) mod reader {
        pub(crate) struct Reader;
    }
}

#[cfg(loom)]
mod errors_to_ocaml {
    use crate::home::Scope;
    use crate::panic::Panic;

    pub(crate) fn report_panic(_scope: &Scope, panic: &Panic) {
        unreachable!("{panic:?}");
    }
}

#[cfg(loom)]
mod lwt_to_rust {
    pub(crate) use crate::slot::Slot;
}

/// Nothing is bound.
#[cfg(loom)]
mod storage {
    use crate::home::Scope;

    pub(crate) enum From {
        Anywhere,
    }

    pub(crate) struct Storage;

    impl Storage {
        pub(crate) const NOTHING: Storage = Storage;

        pub(crate) fn bind<R>(&self, _scope: &Scope, _from: From, f: impl FnOnce() -> R) -> R {
            f()
        }
    }
}

#[cfg(loom)]
mod stack {
    pub(crate) fn is_deep() -> bool {
        false
    }
}

/// What several models share.
#[cfg(all(test, loom))]
mod model;
