//! What the queue of a domain executor has, and what it knows of tasks and streams, which stand above it.

use std::sync::Arc;

use super::{AtHome, Home, Scope};
use crate::caml::reader::Reader;
use crate::tasks::TaskRef;
use crate::wake::Queued;

/// What a tick runs, in the order of the queue.
pub(crate) enum Runnable {
    /// Poll a task that was woken at home.
    Task(Task),
    /// Poll a task that was woken on another thread.
    RemoteTask(Task),
    /// Cancel a task: from a handle on another thread.
    Cancel(Task),
    /// Run a closure that another thread sent home.
    Job(Box<dyn FnOnce(&Scope) + Send>),
    /// Settle a promise whose resolver was used or dropped.
    Settle(Box<dyn FnOnce(&Scope) + Send>),
    /// Detach the callbacks of a dropped future from its promise: a function, and what it takes.
    Release(fn(&Scope, usize), usize),
}

impl Queued for Runnable {
    fn is_an_end(&self) -> bool {
        matches!(self, Runnable::Settle(_) | Runnable::Release(..))
    }
}

impl std::fmt::Debug for Runnable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Runnable")
    }
}

/// A task, as its executor has it.
pub(crate) type Task = TaskRef<&'static Home>;

/// A Rust stream, as its OCaml reader and the GC see it.
pub(crate) trait Source: Send + Sync {
    /// Whose stream it is.
    fn home(&self) -> &'static Home;
    /// The reader has nothing left, and asks for more. True: it was given something. Runs OCaml code, may collect.
    fn pull(&self, scope: &Scope, reader: &Reader) -> bool;
    /// The reader waits for what comes: from now on Rust keeps it, until it is given something. False: there is something
    /// already, and it is to pull again. Does nothing but that. `reader` is that of this stream.
    fn open_read(self: Arc<Self>, at: AtHome, reader: &dyn Fn() -> Reader) -> bool;
    /// Closes the open read, if nobody waits for it any more: Rust does not keep the reader then. Runs OCaml code.
    fn close_unless_waited(&self, scope: &Scope);
    /// OCaml has closed the stream: what Rust has of it goes now, or after the poll that is under way. An open read ends. Runs OCaml code.
    fn close(&self, scope: &Scope);
    /// The GC collected the reader. Called from a finaliser, on any thread: touches nothing of OCaml's, and drops nothing of
    /// the user's.
    fn abandon(self: Arc<Self>);
}

/// A value that goes home from a thread where it could not have come unless it were `Send`: the handle that takes it is
/// `Send` only then. On the domain thread, outside of a scope, it does not leave the thread.
pub(crate) struct AssertSend<T>(pub(crate) T);

impl<T> AssertSend<T> {
    /// A method, so that a closure captures the whole and not its field.
    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

// SAFETY: as its description says
unsafe impl<T> Send for AssertSend<T> {}
