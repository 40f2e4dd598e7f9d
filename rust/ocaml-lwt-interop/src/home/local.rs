//! What only the domain thread sees of its executor.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use slab::Slab;

use super::{Queue, Registry, Runnable, Source, Task};
use crate::caml::{TypedRoot, types};
use crate::tasks::memory::Memory;

/// Touched by the domain thread only: every access goes through an [`AtHome`](super::AtHome) or a [`Scope`](super::Scope).
/// No borrow of these cells is held while anything of the user's, or OCaml, runs.
pub(crate) struct Local {
    pub(crate) queue: RefCell<Queue<Runnable>>,
    /// The tasks that have a future, by key: what shutdown drops and what `Lwt.cancel` finds.
    pub(crate) registry: RefCell<Registry<Task>>,
    /// The promises that Rust's resolvers settle. Here, and not in the resolvers, so that they can be rejected when these
    /// never are: at shutdown, and in the child of a `fork`.
    pub(crate) resolvers: RefCell<Registry<TypedRoot<types::Resolver>>>,
    /// How many ticks are on the stack: more than one only when OCaml's `exit` runs a loop inside of one.
    pub(crate) ticks: Cell<u32>,
    /// A tick will follow from a pause of the loop.
    pub(crate) armed: Cell<bool>,
    /// The executor is ending: from now on what begins something is dropped.
    pub(crate) closed: Cell<bool>,
    /// The exceptions that left OCaml code which Rust called, and wait for a place to be raised at; see [`Home::escape`](super::Home::escape).
    pub(crate) escaped: RefCell<VecDeque<TypedRoot<types::Exception>>>,
    /// A turn of `Lwt_main.run` is under way, at whose end they are raised. It stays so when an exception leaves the turn.
    pub(crate) in_turn: Cell<bool>,
    /// How often the wake descriptor was readable since one of `Lwt_main`'s hooks ran: twice, and the loop runs none.
    pub(crate) readable: Cell<u32>,
    pub(crate) budget: Cell<Budget>,
    /// Of tasks that have ended.
    pub(crate) memory: Memory,
    /// The Rust streams whose OCaml readers wait.
    pub(crate) open_reads: RefCell<OpenReads>,
    /// The indexes of subscriptions in OCaml's weak table.
    pub(crate) subscriptions: RefCell<Slab<()>>,
}

impl Default for Local {
    fn default() -> Self {
        Local {
            queue: RefCell::new(Queue::with_capacity(64)),
            registry: RefCell::default(),
            resolvers: RefCell::default(),
            ticks: Cell::new(0),
            armed: Cell::new(false),
            closed: Cell::new(false),
            escaped: RefCell::default(),
            in_turn: Cell::new(false),
            readable: Cell::new(0),
            budget: Cell::default(),
            memory: Memory::default(),
            open_reads: RefCell::default(),
            subscriptions: RefCell::default(),
        }
    }
}

/// How much a tick does before it lets Lwt's I/O have its turn.
///
/// ```
/// use std::time::Duration;
///
/// use ocaml_lwt_interop::domain_executor::{Budget, DomainExecutor};
///
/// /// Lets Lwt's I/O have its turn after each poll.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn be_polite() {
///     let budget = Budget { polls: 1, slice: Duration::ZERO };
///     DomainExecutor::current().expect("a #[func] runs on a thread with an executor").set_budget(budget);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Polls, at least one.
    pub polls: u32,
    /// Time, from the end of the first poll; looked at after each poll while polls are slow, and every few polls while
    /// they are fast.
    pub slice: Duration,
}

impl Default for Budget {
    /// 256 polls or half a millisecond: a Lwt timer beside tasks that yield for ever is late by about that, and by
    /// a few polls where these are slow.
    fn default() -> Self {
        Budget {
            polls: 256,
            slice: Duration::from_micros(500),
        }
    }
}

/// The open reads of the thread that runs Lwt, see `rust_to_lwt/open_reads.rs`.
#[derive(Default)]
pub(crate) struct OpenReads {
    pub(crate) sources: Registry<Arc<dyn Source>>,
    /// How many were left by the last look.
    pub(crate) left: usize,
}
