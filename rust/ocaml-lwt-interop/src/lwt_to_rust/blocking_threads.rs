//! Blocking threads: the OCaml threads that run the functions of [`run_blocking_in_ocaml`](super::blocking_call::run_blocking_in_ocaml).
//! [`blocking_queue`](super::blocking_queue) feeds them.
//!
//! 1. Calls are queued where they were converted, at home. Where more wait than there are threads free for them, one is
//!    made, by `Thread.create` on the thread that runs Lwt; there are as many as Tokio may have for what blocks.
//! 2. What a thread runs is a loop in OCaml (`serve` in `blocking_threads.ml`): it asks here for a call, applies the function
//!    itself, with no frame of Rust's on its stack, and tells here how that ended.
//! 3. A call that a thread has taken is answered exactly once: by what the function returned or raised, or by the thread's
//!    end, which comes in the middle of a call when the function calls `Thread.exit`.
//! 4. A thread waits for calls with the runtime lock released and all signals blocked; for as long as Tokio's
//!    threads for what blocks stay. It leaves at the end of the bridge.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use super::answer::{Answer, Asks, QueuedCall};
pub(crate) use super::blocking_queue::Id;
use super::blocking_queue::{Calls, Queued};
use crate::caml::lock::Access;
use crate::caml::{self, Callbacks, Raw, Root};
use crate::error::Error;
use crate::home::{Scope, to_lwt};
use crate::runtime;
use crate::signals::{self, Signals};
use crate::status::{Status, status};
use crate::storage::Storage;

static CALLS: Calls<QueuedCall, Signals> = Calls::new();

/// How many threads there are at most.
fn limit() -> usize {
    runtime::blocking_limits().threads
}

/// Has a blocking thread make the call. May run OCaml code, none of the user's, and collect.
pub(super) fn submit(scope: &Scope, value: Root, asks: Arc<dyn Asks>) {
    let home = scope.home();
    let call = QueuedCall {
        value,
        answer: Answer::new(home, asks),
        signals: home.is_lwt().then(signals::of_this_thread),
        storage: Storage::bound(scope),
    };
    queue(scope, call);
}

/// At home: has a thread make the call. May run OCaml code, none of the user's, and collect.
fn queue(scope: &Scope, call: QueuedCall) {
    let Queued { wanted, refused } = CALLS.push(call, limit());
    drop(refused);
    match wanted {
        None => {}
        Some(id) if scope.home().is_lwt() => make(scope, id),
        Some(id) => to_lwt(move |scope| make(scope, id)),
    }
}

/// Makes a thread, where Lwt runs: on OCaml 5 it is one of the main domain. Runs OCaml code, none of the user's; may collect.
fn make(scope: &Scope, mut id: Id) {
    let mut refused = String::new();
    // An exception that comes on the way is a finaliser's, say.
    for _ in 0..3 {
        match make_once(scope, id) {
            Ok(()) => return,
            Err(message) => refused = message,
        }
        match CALLS.refused(id, limit()) {
            Some(again) => id = again,
            // Nobody waits any more, or the threads that there are take the calls in their turn.
            None => return,
        }
    }
    let waiting = CALLS.give_up(id);
    for call in waiting {
        let error = Error::msg(format!(
            "there is no thread for an OCaml function that blocks: {refused}"
        ));
        call.answer.send(Err(error));
    }
}

/// `Err` says why there is none, or may be none: a thread that comes all the same finds that it is not wanted.
fn make_once(scope: &Scope, id: Id) -> Result<(), String> {
    let home = scope.home();
    let signals = signals::of_this_thread();
    CALLS.set_signals(signals);
    // The thread begins with all of them blocked.
    signals::block();
    let ended = match home.call(scope, &Callbacks::BLOCKING_THREAD, &(&id,)) {
        Ok(message) if message.is_empty() => Ok(()),
        Ok(message) => Err(String::from_utf8_lossy(&message).into_owned()),
        Err(asynchronous) => {
            home.escape(scope, &asynchronous);
            Err("an exception came meanwhile".to_owned())
        }
    };
    signals::set(&signals);
    ended
}

thread_local! {
    /// The blocking thread that this is.
    static THIS: RefCell<Option<This>> = const { RefCell::new(None) };
}

struct This {
    id: Id,
    /// The call that it has taken.
    taken: Option<Taken>,
}

struct Taken {
    answer: Answer,
    signals: Option<Signals>,
    storage: Storage,
}

impl Taken {
    fn end(self, result: Result<Root, Error>) {
        self.answer.send(result);
        CALLS.answered();
    }
}

/// The thread ends. (In the child of a `fork` the locks may be held by threads that do not exist.)
impl Drop for This {
    fn drop(&mut self) {
        let taken = self.taken.take();
        if status() == Status::Forked {
            return std::mem::forget(taken);
        }
        if let Some(taken) = taken {
            taken.end(Err(thread_exit()));
        }
        let wanted = CALLS.leave(self.id, limit());
        if let Some(id) = wanted {
            to_lwt(move |scope| make(scope, id));
        }
    }
}

fn thread_exit() -> Error {
    Error::misuse(
        "an OCaml function that run_blocking_in_ocaml called has called Thread.exit, so it gives no value: let it return, or \
         raise an exception",
    )
}

/// The next call for this thread; none: it is to end.
///
/// Called by OCaml code of a thread that [`make`] has made, with no frame of Rust's below. No allocation on the OCaml heap; the
/// result is not rooted.
pub(crate) fn next(access: Access<'_>, id: Id) -> Option<Raw> {
    let unanswered = THIS.with_borrow_mut(|this| {
        let this = this.get_or_insert_with(|| This { id, taken: None });
        this.taken.take()
    });
    if let Some(taken) = unanswered {
        taken.end(Err(Error::broken_promise()));
    }
    loop {
        let keep_alive = runtime::blocking_limits().keep_alive;
        let (call, of_home) = caml::without_lock(access, || CALLS.wait(id, keep_alive))?;
        let QueuedCall {
            value,
            answer,
            signals,
            storage,
        } = call;
        // Looked at with the lock, for which it may have waited long.
        if answer.is_awaited() {
            let taken = Taken {
                answer,
                signals: signals.or(of_home),
                storage,
            };
            THIS.with_borrow_mut(|this| {
                this.as_mut().expect("set above").taken = Some(taken);
            });
            // From here on it lives on the stack of the caller.
            return Some(value.get(access));
        }
        drop((value, answer));
        CALLS.answered();
    }
}

/// The function is about to run: with the signals of home.
pub(crate) fn begin() {
    THIS.with_borrow(|this| {
        let Some(taken) = this.as_ref().and_then(|this| this.taken.as_ref()) else {
            return;
        };
        Storage::run_until_next(Some(taken.storage.clone()));
        if let Some(signals) = taken.signals {
            signals::set(&signals);
        }
    });
}

/// The function has ended.
pub(crate) fn ended() {
    signals::block();
    Storage::run_until_next(None);
    if status() == Status::Forked {
        // It has forked, and this is the child, which has no other thread: it ends, as when the function of an OCaml thread
        // returns there.
        // SAFETY: leaves at once, whatever this thread holds
        unsafe { libc::_exit(0) };
    }
}

/// What the function gave, or that it ended with `Thread.exit`, goes home. With the runtime lock. An exception that belongs
/// to no call comes back.
pub(crate) fn answer(result: Option<Result<Root, Error>>) -> Result<(), Error> {
    let taken = THIS.with_borrow_mut(|this| this.as_mut().and_then(|this| this.taken.take()));
    let result = result.unwrap_or_else(|| Err(thread_exit()));
    match taken {
        Some(taken) => {
            taken.end(result);
            Ok(())
        }
        None => result.map(drop),
    }
}

/// At the end of the bridge: threads without a call leave. The calls that have not begun come back, to be dropped.
pub(crate) fn shutdown() -> impl IntoIterator<Item = impl Sized> {
    CALLS.shutdown()
}

/// Waits until no function runs, at most so long; gives the time that is left. Without the runtime lock.
pub(crate) fn wait_for_all(timeout: Duration) -> Duration {
    CALLS.wait_for_all(timeout)
}
