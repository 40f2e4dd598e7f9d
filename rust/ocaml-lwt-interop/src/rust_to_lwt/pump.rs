//! The task behind a Rust stream that OCaml reads: it polls while there is room, and hands items over in batches.
//!
//! 1. Nothing is polled before OCaml reads for the first time. From then on items are read ahead: what is in the buffer and
//!    what OCaml was handed and may not have read is together no more than the window.
//! 2. OCaml pulls when it has read all that it was handed. What is in the buffer then crosses at once; else the pull stays
//!    open, and the task answers it when the stream has as much as the window takes, or nothing more for now.
//! 3. A task that answers has OCaml's reader run inside of its poll, and the reader may pull again: no borrow is held.
//! 4. [`Shared`] is touched at home only, but for what abandons it. The task empties its buffer when it goes, so that no
//!    item is dropped elsewhere, wherever the last reference goes.
//! 5. Rust keeps a root of a weak pointer to the reader: see `rust_async.ml`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use ocaml::ToValue;

use super::settle::immediate;
use crate::caml::chunk::Block;
use crate::caml::{self, Callback, Root, Source};
use crate::ending::Ending;
use crate::error::Error;
use crate::exception::{self, Outgoing};
use crate::executor::lifetime::{Status, status};
use crate::executor::task::{Completion, Task, spawn_local};
use crate::executor::{Home, Runnable, Scope};
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
    /// The task waits for OCaml.
    waker: RefCell<Option<Waker>>,
    task: OnceLock<Arc<dyn Task>>,
}

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
        waker: RefCell::new(None),
        task: OnceLock::new(),
    });
    // SAFETY: a scope holds the lock; the token becomes an argument, and the pair is taken apart, before anything can
    // allocate
    let (value, reader) = unsafe {
        let token = caml::alloc_stream_token(shared.clone());
        let Ok(pair) = home.call(scope, Callback::Stream, &mut [token]) else {
            panic!("OCaml raised an exception while a stream was made");
        };
        (
            caml::protect(caml::field(pair, 0)),
            Arc::new(Root::new(caml::field(pair, 1))),
        )
    };
    let pump = Pump {
        stream: Some(stream),
        shared: shared.clone(),
        reader: reader.clone(),
    };
    let task = spawn_local(scope.at(), pump, End { reader });
    // Nobody else sets it.
    let _ = shared.task.set(task);
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
    }

    fn clear(&self) {
        let items = std::mem::take(&mut *self.buffer.borrow_mut());
        drop(items);
    }

    fn wake(&self) {
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T: ToValue + 'static> Source for Shared<T> {
    fn pull(&self, scope: &Scope) -> ocaml::Value {
        if status() == Status::Running {
            self.begun.set(true);
            self.handed.set(0);
            let items = self.take(scope);
            self.pulled.set(items.is_none());
            self.wake();
            self.home.arm_if_needed(scope, false);
            if let Some(items) = items {
                return items;
            }
        }
        // `Later`. After shutdown and in the child of a `fork` the ending has come, or is about to.
        ocaml::Value::Raw(caml::int(0).0)
    }

    fn abandon(&self) {
        if let Some(task) = self.task.get() {
            self.home.queue_anywhere(Runnable::Cancel(task.clone()));
        }
    }
}

/// The future of the task.
struct Pump<T: ToValue + 'static> {
    stream: Option<BoxedStream<T>>,
    shared: Arc<Shared<T>>,
    reader: Arc<Root>,
}

impl<T: ToValue + 'static> Pump<T> {
    /// Fills the buffer. True: the stream has nothing more for now, and will wake the task.
    fn fill(&mut self, context: &mut Context<'_>) -> bool {
        while self.shared.has_room() {
            let Some(stream) = &mut self.stream else {
                return false;
            };
            let ending = match catch(AssertUnwindSafe(|| stream.as_mut().poll_next(context))) {
                Ok(Poll::Pending) => return true,
                Ok(Poll::Ready(Some(Ok(item)))) => {
                    self.shared.buffer.borrow_mut().push_back(item);
                    continue;
                }
                Ok(Poll::Ready(Some(Err(error)))) => Ending::Error(error),
                Ok(Poll::Ready(None)) => Ending::Value(()),
                Err(panic) => Ending::Panic(panic),
            };
            *self.shared.ending.borrow_mut() = Some(ending);
            self.drop_stream();
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
        if this.shared.pulled.get() {
            Scope::with_current(this.shared.home, |scope| {
                if let Some(items) = this.shared.take(scope) {
                    this.shared.pulled.set(false);
                    tell(scope, &this.reader, &items);
                }
            });
        }
        let ended = this.shared.ending.borrow().is_some();
        if ended {
            this.drop_stream();
            if this.shared.buffer.borrow().is_empty() {
                let ending = this.shared.ending.borrow_mut().take();
                return ending.map_or(Poll::Pending, Poll::Ready);
            }
        }
        if !stream_will_wake {
            if !ended && this.shared.has_room() {
                // The reader has pulled again. Others have their turn before it is answered.
                context.waker().wake_by_ref();
            } else {
                let waker = context.waker().clone();
                *this.shared.waker.borrow_mut() = Some(waker);
            }
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
struct End {
    reader: Arc<Root>,
}

impl End {
    fn tell(self, scope: &Scope, ending: Ending<()>) {
        let outgoing = match ending {
            Ending::Value(()) => {
                // `Ended`
                return tell(scope, &self.reader, &ocaml::Value::Raw(caml::int(1).0));
            }
            Ending::Error(error) => exception::of_error(scope, &error),
            Ending::Panic(panic) => exception::of_panic(scope, &panic),
            Ending::Dropped => exception::of_error(scope, &Error::broken_promise()),
        };
        let Outgoing {
            exception,
            backtrace,
        } = outgoing;
        // SAFETY: a scope holds the lock; both are rooted across the allocation. `Failed` is the second constructor with
        // arguments.
        let failed = unsafe {
            let mut failed = Block::alloc(2, 1);
            failed.push(exception.raw());
            failed.push(backtrace.raw());
            failed.end()
        };
        tell(scope, &self.reader, &failed);
    }
}

impl Completion<Ending<()>> for End {
    fn complete(self, scope: &Scope, ending: Ending<Ending<()>>) {
        self.tell(scope, ending.map(|ending| ending));
    }

    fn disown(self, scope: &Scope) {
        self.tell(scope, Ending::Dropped);
    }
}

/// Hands an `arrived` to the reader, if it is still there. Runs OCaml code, the reader's; what escapes leaves at the end of
/// the tick.
fn tell(scope: &Scope, reader: &Root, arrived: &ocaml::Value) {
    let home = scope.home();
    // SAFETY: a scope holds the lock; both are rooted until they are arguments; an exception is kept before anything can
    // allocate
    unsafe {
        let mut arguments = [reader.get(), arrived.raw()];
        if let Err(escaped) = home.call(scope, Callback::Arrived, &mut arguments) {
            home.escape(scope, escaped);
        }
    }
}
