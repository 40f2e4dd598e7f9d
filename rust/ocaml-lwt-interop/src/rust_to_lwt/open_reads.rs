//! The open reads of Rust streams: OCaml waits for what comes.
//!
//! 1. While a read is open Rust keeps its reader: a program that waits for an item is often held by nothing but what the item
//!    will wake. Otherwise Rust keeps nothing of OCaml's, so that a stream which nobody reads is collected.
//! 2. `Lwt_stream` tells nobody that a reader was cancelled. So once in a major cycle of the GC each open read is looked at,
//!    and closed when nobody waits for it: OCaml's next read opens another. They are also looked at when there are twice as
//!    many as after the last look: else a program that gives up many reads would have the GC wait longer and longer, since the
//!    more is alive, the longer is a cycle.
//! 3. A read is closed before OCaml is told of what it was given; telling is repeated until OCaml has returned from it, since
//!    whatever a signal handler raises meanwhile has nothing to do with this stream. OCaml's functions are written so that it
//!    makes no difference how often they are called.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::caml::Callbacks;
use crate::caml::reader::Reader;
use crate::home::{AtHome, Key, Runnable, Scope, Source, lwt_home};
use crate::status::{Status, status};

/// A read that is open, for as long as this is there.
pub(super) struct OpenRead {
    reader: Reader,
    key: Key,
}

/// How many are open, as the thread that runs Lwt has last said.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// A look at all of them is queued, or under way.
static LOOKING: AtomicBool = AtomicBool::new(false);

/// How many reads are looked at in a turn of the queue.
const AT_ONCE: usize = 256;

/// So many may be open before they are looked at between two major cycles.
const FEW: usize = 1000;

impl OpenRead {
    /// No allocation on the OCaml heap, runs no OCaml code.
    pub(super) fn open(at: AtHome, source: Arc<dyn Source>, reader: Reader) -> OpenRead {
        let mut reads = at.home().local(at).open_reads.borrow_mut();
        let key = reads.sources.insert(source);
        let open = reads.sources.len();
        OPEN.store(open, Ordering::Relaxed);
        let are_many = open > FEW + 2 * reads.left;
        drop(reads);
        if are_many {
            queue_look();
        }
        OpenRead { reader, key }
    }

    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Nothing is waited for: Rust does not keep the reader any more.
    pub(super) fn close(self, scope: &Scope) -> Reader {
        let mut reads = scope.home().local(scope.at()).open_reads.borrow_mut();
        let source = reads.sources.remove(self.key);
        OPEN.store(reads.sources.len(), Ordering::Relaxed);
        drop(reads);
        drop(source);
        self.reader
    }

    /// The reader was given what it waits for. Runs OCaml code, the program's.
    pub(super) fn deliver(self, scope: &Scope) {
        deliver(scope, self.close(scope));
    }

    /// Closes the read in OCaml, if nobody waits for it. True: it is closed, or settled. Runs OCaml code.
    pub(super) fn close_unless_waited(&self, scope: &Scope) -> bool {
        let arguments = (&self.reader,);
        let closed = scope
            .home()
            .ask(scope, &Callbacks::CLOSE_UNLESS_WAITED, &arguments);
        closed.unwrap_or(false)
    }
}

/// Rule 3.
fn deliver(scope: &Scope, reader: Reader) {
    let delivered = scope.home().ask(scope, &Callbacks::DELIVER, &(&reader,));
    if delivered.is_err() {
        // Exceptions without an end: later, perhaps.
        let again = move |scope: &Scope| deliver(scope, reader);
        scope
            .home()
            .push(scope.at(), Runnable::Settle(Box::new(again)));
    }
}

/// A major cycle of the GC has ended. Called where finalisers are, on any thread that runs OCaml.
pub(crate) fn major_cycle_ended() {
    if OPEN.load(Ordering::Relaxed) > 0 {
        queue_look();
    }
}

/// From any thread, and where finalisers are.
fn queue_look() {
    // The locks of the queue may be held by threads that the child of a `fork` does not have.
    if status() == Status::Forked || LOOKING.swap(true, Ordering::Relaxed) {
        return;
    }
    if let Some(home) = lwt_home() {
        home.queue_anywhere(Runnable::Settle(Box::new(|scope| {
            let reads = scope.home().local(scope.at()).open_reads.borrow();
            let all = reads.sources.all().cloned().collect();
            drop(reads);
            look_at(scope, all);
        })));
    }
}

fn look_at(scope: &Scope, mut sources: Vec<Arc<dyn Source>>) {
    let later = sources.len().saturating_sub(AT_ONCE);
    for source in sources.drain(later..) {
        source.close_unless_waited(scope);
    }
    if sources.is_empty() {
        let mut reads = scope.home().local(scope.at()).open_reads.borrow_mut();
        reads.left = reads.sources.len();
        LOOKING.store(false, Ordering::Relaxed);
    } else {
        let look = move |scope: &Scope| look_at(scope, sources);
        scope
            .home()
            .push(scope.at(), Runnable::Settle(Box::new(look)));
    }
}
