//! The task behind a Rust stream that OCaml reads: it polls while there is room, and items cross in batches.
//!
//! 1. Nothing is polled before OCaml reads for the first time. From then on items are read ahead: what is in the buffer and
//!    what OCaml was handed and may not have read is together no more than the window.
//! 2. OCaml pulls when it has read all that it was handed. What is in the buffer then crosses at once; else the task is
//!    polled, here and now if it was waiting for OCaml and not for its stream. If that gives nothing either, the pull stays
//!    open, and a poll that finds items queues an answer.
//! 3. A reader whose pulls are all answered at once would keep everybody else waiting: after so many batches the task goes
//!    through the queue.
//! 4. [`Shared`] is touched at home only, but for what abandons it. The task empties its buffer when it goes, so that no
//!    item is dropped elsewhere, wherever the last reference goes. OCaml's code runs in a pull and in an answer, and never
//!    while anything is borrowed.
//! 5. Rust keeps a root of a weak pointer to the reader: see `rust_async.ml`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures_core::Stream;
use ocaml::ToValue;

use super::settle::immediate;
use crate::caml::chunk::Block;
use crate::caml::{self, Callback, Root, Source};
use crate::ending::Ending;
use crate::error::Error;
use crate::exception::{self, Outgoing};
use crate::executor::lifetime::{Status, status};
use crate::executor::task::{Completion, Task, spawn_idle};
use crate::executor::{AtHome, Home, Runnable, Scope};
use crate::panic::{Panic, catch};

/// A stream of which every item is a value or the error that ends it.
pub(super) type BoxedStream<T> = Pin<Box<dyn Stream<Item = Result<T, Error>>>>;

/// What the task and OCaml's reader have in common.
struct Shared<T> {
    home: &'static Home,
    window: usize,
    /// Items that OCaml has not been handed.
    buffer: RefCell<VecDeque<T>>,
    /// What comes behind them, from when it is known until the task ends with it.
    ending: RefCell<Option<Ending<()>>>,
    /// OCaml has read for the first time.
    begun: Cell<bool>,
    /// How many items OCaml was handed last, and may not have read.
    handed: Cell<usize>,
    /// OCaml waits for an answer.
    pulled: Cell<bool>,
    /// The task waits for OCaml, and not for its stream.
    waits: Cell<bool>,
    /// An answer to the pull is queued.
    answering: Cell<bool>,
    /// How many pulls in a row had the task polled here and now.
    in_a_row: Cell<u32>,
    reader: OnceLock<Root>,
    task: OnceLock<Arc<dyn Task>>,
    /// The task has ended: there is nothing to abandon. Read on any thread.
    over: AtomicBool,
}

/// Rule 3.
const MOST_IN_A_ROW: u32 = 16;

// SAFETY: rule 4; `home` and `task` are `Send` and `Sync`
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above
unsafe impl<T> Sync for Shared<T> {}

/// Makes the `Lwt_stream.t` that reads a stream, and the task behind it. Runs OCaml code, may collect.
///
/// # Panics
/// When OCaml raises an asynchronous exception (`Sys.Break`) meanwhile.
pub(super) fn make<T: ToValue + 'static>(
    scope: &Scope,
    stream: BoxedStream<T>,
    window: usize,
) -> ocaml::Value {
    let home = scope.home();
    let shared = Arc::new(Shared {
        home,
        window,
        buffer: RefCell::default(),
        ending: RefCell::new(None),
        begun: Cell::new(false),
        handed: Cell::new(0),
        pulled: Cell::new(false),
        waits: Cell::new(true),
        answering: Cell::new(false),
        in_a_row: Cell::new(0),
        reader: OnceLock::new(),
        task: OnceLock::new(),
        over: AtomicBool::new(false),
    });
    // SAFETY: a scope holds the lock; the token becomes an argument, and the pair is taken apart, before anything can
    // allocate
    let value = unsafe {
        let token = caml::alloc_stream_token(shared.clone());
        let Ok(pair) = home.call(scope, Callback::Stream, &mut [token]) else {
            panic!("OCaml raised an exception while a stream was made");
        };
        // Nobody else sets it, nor the task.
        let _ = shared.reader.set(Root::new(caml::field(pair, 1)));
        caml::protect(caml::field(pair, 0))
    };
    let pump = Pump {
        stream: Some(stream),
        shared: shared.clone(),
    };
    let _ = shared
        .task
        .set(spawn_idle(scope.at(), pump, End(shared.clone())));
    value
}

impl<T: ToValue + 'static> Shared<T> {
    fn has_room(&self) -> bool {
        self.begun.get() && self.buffer.borrow().len() + self.handed.get() < self.window
    }

    /// What the buffer holds, as OCaml's `Items`; `None` when there is nothing. Converting may collect, and panic: the items
    /// before that cross, and the panic comes behind them.
    fn take(&self, _scope: &Scope) -> Option<ocaml::Value> {
        let size = self.buffer.borrow().len();
        if size == 0 {
            return None;
        }
        let done = Cell::new(0);
        // SAFETY: a scope holds the lock. Each item is rooted, or immediate, until it is stored; so is the block.
        let (block, panic) = unsafe {
            let mut block = Block::alloc(size, 0);
            let converted = catch(AssertUnwindSafe(|| {
                let runtime = ocaml::Runtime::recover_handle();
                while done.get() < size {
                    let next = self.buffer.borrow_mut().pop_front();
                    let Some(item) = next else { break };
                    let value = immediate(&item).unwrap_or_else(|| item.to_value(runtime));
                    block.push(value.raw());
                    done.set(done.get() + 1);
                }
            }));
            (block.end(), converted.err())
        };
        if let Some(panic) = panic {
            self.break_off(panic);
        }
        self.handed.set(done.get());
        // SAFETY: a scope holds the lock; both blocks are rooted across the allocations
        unsafe {
            let items = match done.get() {
                0 => return None,
                n if n == size => block,
                n => {
                    let mut shorter = Block::alloc(n, 0);
                    for i in 0..n {
                        shorter.push(caml::field(block.raw(), i));
                    }
                    shorter.end()
                }
            };
            let mut arrived = Block::alloc(1, 0);
            arrived.push(items.raw());
            Some(arrived.end())
        }
    }

    /// A conversion has panicked.
    #[cold]
    fn break_off(&self, panic: Panic) {
        self.clear();
        *self.ending.borrow_mut() = Some(Ending::Panic(panic));
        // The task has to drop its stream, and to end.
        if let (Some(task), Some(at)) = (self.task(), AtHome::of(self.home)) {
            task.wake_at_home(at);
        }
    }

    fn clear(&self) {
        let items = std::mem::take(&mut *self.buffer.borrow_mut());
        drop(items);
    }

    fn task(&self) -> Option<Arc<dyn Task>> {
        self.task.get().cloned()
    }

    /// The answer to a pull that was left open.
    fn answer(&self, scope: &Scope) {
        self.answering.set(false);
        if !self.pulled.get() {
            return;
        }
        self.in_a_row.set(0);
        if let Some(items) = self.take(scope) {
            self.pulled.set(false);
            self.tell(scope, &items);
        }
    }

    /// Hands an `arrived` to the reader, if it is still there. Runs OCaml code, the reader's; what escapes leaves at the end
    /// of the tick.
    fn tell(&self, scope: &Scope, arrived: &ocaml::Value) {
        let Some(reader) = self.reader.get() else {
            return;
        };
        // SAFETY: a scope holds the lock; both are rooted until they are arguments; an exception is kept before anything can
        // allocate
        unsafe {
            let mut arguments = [reader.get(), arrived.raw()];
            if let Err(escaped) = self.home.call(scope, Callback::Arrived, &mut arguments) {
                self.home.escape(scope, escaped);
            }
        }
    }
}

impl<T: ToValue + 'static> Source for Shared<T> {
    fn pull(&self, scope: &Scope) -> ocaml::Value {
        // `Later`. After shutdown and in the child of a `fork` the ending has come, or is about to.
        let later = ocaml::Value::Raw(caml::int(0).0);
        let Some(task) = self.task() else {
            return later;
        };
        if status() != Status::Running {
            return later;
        }
        self.begun.set(true);
        self.handed.set(0);
        let mut items = self.take(scope);
        if items.is_none() && self.waits.get() && self.in_a_row.get() < MOST_IN_A_ROW {
            self.in_a_row.set(self.in_a_row.get() + 1);
            task.clone().run_if_idle(scope);
            items = self.take(scope);
        }
        self.pulled.set(items.is_none());
        // There may be room now.
        if self.waits.get() && (items.is_none() || self.has_room()) {
            task.wake_at_home(scope.at());
        }
        self.home.arm_if_needed(scope, false);
        items.unwrap_or(later)
    }

    fn abandon(&self) {
        if self.over.load(Ordering::Relaxed) {
            return;
        }
        if let Some(task) = self.task() {
            self.home.queue_anywhere(Runnable::Cancel(task));
        }
    }
}

/// The future of the task.
struct Pump<T: ToValue + 'static> {
    stream: Option<BoxedStream<T>>,
    shared: Arc<Shared<T>>,
}

impl<T: ToValue + 'static> Pump<T> {
    /// Fills the buffer. True: the stream has nothing more for now, and will wake the task.
    fn fill(&mut self, context: &mut Context<'_>) -> bool {
        let shared = &self.shared;
        let Some(stream) = &mut self.stream else {
            return false;
        };
        let filled = catch(AssertUnwindSafe(|| {
            while shared.has_room() {
                match stream.as_mut().poll_next(context) {
                    Poll::Ready(Some(Ok(item))) => shared.buffer.borrow_mut().push_back(item),
                    Poll::Ready(Some(Err(error))) => {
                        return Poll::Ready(Some(Ending::Error(error)));
                    }
                    Poll::Ready(None) => return Poll::Ready(Some(Ending::Value(()))),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(None)
        }));
        match filled.unwrap_or_else(|panic| Poll::Ready(Some(Ending::Panic(panic)))) {
            Poll::Pending => return true,
            Poll::Ready(None) => {}
            Poll::Ready(ending) => *self.shared.ending.borrow_mut() = ending,
        }
        false
    }

    /// At once when it has ended, and not when OCaml has read the last item.
    fn drop_stream(&mut self) {
        let stream = self.stream.take();
        if let Err(panic) = catch(AssertUnwindSafe(|| drop(stream))) {
            let mut ending = self.shared.ending.borrow_mut();
            if !matches!(*ending, Some(Ending::Panic(_))) {
                *ending = Some(Ending::Panic(panic));
            }
        }
    }
}

/// Nothing in it is pinned by itself.
impl<T: ToValue + 'static> Unpin for Pump<T> {}

impl<T: ToValue + 'static> Future for Pump<T> {
    type Output = Ending<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ending<()>> {
        let this = &mut *self;
        let stream_will_wake = this.fill(context);
        this.shared.waits.set(!stream_will_wake);
        let ended = this.shared.ending.borrow().is_some();
        if ended {
            this.drop_stream();
        }
        let shared = &this.shared;
        if shared.buffer.borrow().is_empty() {
            let ending = shared.ending.borrow_mut().take();
            return ending.map_or(Poll::Pending, Poll::Ready);
        }
        if shared.pulled.get() && !shared.answering.replace(true) {
            let shared = shared.clone();
            let answer = move |scope: &Scope| shared.answer(scope);
            this.shared
                .home
                .queue_anywhere(Runnable::Settle(Box::new(answer)));
        }
        Poll::Pending
    }
}

impl<T: ToValue + 'static> Drop for Pump<T> {
    fn drop(&mut self) {
        self.shared.clear();
    }
}

/// The task's ending, for the reader.
struct End<T>(Arc<Shared<T>>);

impl<T: ToValue + 'static> End<T> {
    fn tell(self, scope: &Scope, ending: Ending<()>) {
        self.0.over.store(true, Ordering::Relaxed);
        let Outgoing {
            exception,
            backtrace,
        } = match ending {
            // `Ended`
            Ending::Value(()) => return self.0.tell(scope, &ocaml::Value::Raw(caml::int(1).0)),
            Ending::Error(error) => exception::of_error(scope, &error),
            Ending::Panic(panic) => exception::of_panic(scope, &panic),
            Ending::Dropped => exception::of_error(scope, &Error::broken_promise()),
        };
        // SAFETY: a scope holds the lock; both are rooted across the allocation. `Failed` is the second constructor with
        // arguments.
        let failed = unsafe {
            let mut failed = Block::alloc(2, 1);
            failed.push(exception.raw());
            failed.push(backtrace.raw());
            failed.end()
        };
        self.0.tell(scope, &failed);
    }
}

impl<T: ToValue + 'static> Completion<Ending<()>> for End<T> {
    fn complete(self, scope: &Scope, ending: Ending<Ending<()>>) {
        self.tell(scope, ending.map(|ending| ending));
    }

    fn disown(self, scope: &Scope) {
        self.tell(scope, Ending::Dropped);
    }
}
