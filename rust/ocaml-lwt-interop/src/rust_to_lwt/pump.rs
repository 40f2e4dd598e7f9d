//! The task behind a Rust stream that OCaml reads: it polls while there is room, and items cross in batches.
//!
//! 1. Nothing is polled before OCaml reads for the first time. From then on items are read ahead: what is in the buffer and
//!    what OCaml was handed and may not have read is together no more than the window.
//! 2. OCaml pulls when it has read all that it was handed. What is in the buffer then crosses at once; else the task is
//!    polled, here and now if it was waiting for OCaml and not for its stream. If that gives nothing either, OCaml opens a
//!    read, see [`open_reads`](super::open_reads), and a poll that finds items queues an answer.
//! 3. A reader whose pulls are all answered at once would keep everybody else waiting: after so many batches the task goes
//!    through the queue.
//! 4. [`Shared`] is touched at home only, but for what abandons it, and what is the user's in it is dropped there: the items
//!    when the task goes, the ending when OCaml is handed it, or by who lets go of the stream. OCaml's code runs in a pull
//!    and in an answer, and never while anything is borrowed.
//! 5. Items and endings cross by being put into the reader, where there was nothing left ([`caml::reader`]); only then is
//!    OCaml told, if a read is open. Who puts something closes the read, if there is one.
//! 6. The user's code may read its own stream: in a poll, and in a conversion. A pull inside of a pull gives nothing, and the
//!    read that it opens is answered by the pull around it.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures_core::Stream;

use super::buffer::{Buffer, TooLate};
use super::open_reads::OpenRead;
use super::stream_token::alloc_stream_token;
use crate::caml::chunk::Block;
use crate::caml::reader::Reader;
use crate::caml::{self, Callback};
use crate::conversion::{ToOCaml, build};
use crate::ending::Ending;
use crate::error::Error;
use crate::errors_to_ocaml::{self, Outgoing};
use crate::executor::task::{Completion, spawn_idle};
use crate::home::{AtHome, Home, Runnable, Scope, Source, Task};
use crate::panic::{Panic, catch};
use crate::status::{Status, status};

/// A stream of which every item is a value or the error that ends it.
pub(super) type BoxedStream<T> = Pin<Box<dyn Stream<Item = Result<T, Error>>>>;

/// What the task and OCaml's reader have in common.
struct Shared<T> {
    home: &'static Home,
    window: usize,
    /// What OCaml has not been handed.
    buffer: RefCell<Buffer<T>>,
    /// OCaml has read for the first time.
    begun: Cell<bool>,
    /// How many items OCaml was handed last, and may not have read.
    handed: Cell<usize>,
    /// A pull is on the stack.
    pulling: Cell<bool>,
    /// OCaml waits.
    read: RefCell<Option<OpenRead>>,
    /// The task waits for OCaml, and not for its stream.
    waits: Cell<bool>,
    /// An answer to the open read is queued.
    answering: Cell<bool>,
    /// How many pulls in a row had the task polled here and now.
    in_a_row: Cell<u32>,
    task: OnceLock<Arc<dyn Task>>,
    /// The task has ended: the buffer has an ending, or OCaml has been handed it.
    over: Cell<bool>,
    /// There is nothing left of the user's. Read on any thread.
    spent: AtomicBool,
}

/// Rule 3.
const MOST_IN_A_ROW: u32 = 16;

// SAFETY: rule 4; `home` and `task` are `Send` and `Sync`
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above
unsafe impl<T> Sync for Shared<T> {}

/// Makes the `Lwt_stream.t` that reads a stream, and the task behind it. Runs OCaml code, may collect.
///
pub(super) fn make<T: ToOCaml + 'static>(
    scope: &Scope,
    stream: BoxedStream<T>,
    window: usize,
) -> ocaml::Value {
    let home = scope.home();
    let shared = Arc::new(Shared {
        home,
        window,
        buffer: RefCell::new(Buffer::new()),
        begun: Cell::new(false),
        handed: Cell::new(0),
        pulling: Cell::new(false),
        read: RefCell::new(None),
        waits: Cell::new(true),
        answering: Cell::new(false),
        in_a_row: Cell::new(0),
        task: OnceLock::new(),
        over: Cell::new(false),
        spent: AtomicBool::new(false),
    });
    // Rooted: the stream is abandoned by the token's finaliser.
    let token = alloc_stream_token(scope.access(), shared.clone());
    // SAFETY: the token is rooted, and the stream is before anything can allocate
    let value = unsafe {
        let Ok(stream) = home.call_until_done(scope, Callback::Stream, || [token.raw()]) else {
            panic!("OCaml raises an exception whenever a stream is made");
        };
        caml::protect(scope.access(), stream)
    };
    let pump = Pump {
        stream: Some(stream),
        shared: shared.clone(),
    };
    if home.is_open(scope.at()) {
        let task = spawn_idle(scope, pump, End(shared.clone()));
        // Nobody else sets it.
        let _ = shared.task.set(task);
    } else {
        // Nobody would end the task.
        drop_quietly(pump);
        shared.complete(scope, Ending::Dropped);
    }
    value
}

/// A panic of the user's destructor has nobody to go to: another ending stands already, and it was printed.
fn drop_quietly<D>(value: D) {
    let _ = catch(AssertUnwindSafe(|| drop(value)));
}

impl<T> Shared<T> {
    fn has_room(&self) -> bool {
        let buffer = self.buffer.borrow();
        self.begun.get() && buffer.is_open() && buffer.len() + self.handed.get() < self.window
    }

    fn task(&self) -> Option<Arc<dyn Task>> {
        self.task.get().cloned()
    }

    /// An item was the last: this comes behind it.
    #[cold]
    fn cut(&self, ending: Ending<()>) {
        let TooLate((items, ending)) = self.buffer.borrow_mut().cut(ending);
        // One by one: a panic while another unwinds would abort.
        items.into_iter().for_each(drop_quietly);
        drop_quietly(ending);
    }

    /// Puts the ending into a reader that has read all items, if it is its turn. May run OCaml code, to make an exception, and
    /// collect.
    fn put_ending(&self, scope: &Scope, reader: &Reader) -> bool {
        if !self.over.get() {
            return false;
        }
        let Some(ending) = self.buffer.borrow_mut().take_ending() else {
            return false;
        };
        let ending = to_ocaml(scope, ending);
        // SAFETY: an ending is what was made
        unsafe { reader.put_ending(scope.access(), &ending) };
        self.spent.store(true, Ordering::Release);
        true
    }

    /// The reader was given something.
    fn deliver(&self, scope: &Scope) {
        let read = self.read.borrow_mut().take();
        if let Some(read) = read {
            read.deliver(scope);
        }
    }

    /// The task has ended. Runs OCaml code.
    fn complete(&self, scope: &Scope, ending: Ending<()>) {
        let late = match ending {
            // The buffer has it.
            Ending::Value(()) => None,
            // A known ending, behind items that have all crossed, stays.
            ending => self.buffer.borrow_mut().end(ending).err(),
        };
        drop_quietly(late);
        self.over.set(true);
        let read = self.read.borrow_mut().take();
        let Some(read) = read else { return };
        if self.put_ending(scope, read.reader()) {
            read.deliver(scope);
        } else {
            *self.read.borrow_mut() = Some(read);
        }
    }

    /// OCaml has collected the reader.
    fn let_go(&self, scope: &Scope) {
        if let Some(task) = self.task() {
            task.cancel(scope);
        }
        let ending = self.buffer.borrow_mut().take_ending();
        drop_quietly(ending);
    }
}

/// What comes behind the last item, `ending` in `reader.ml`. May run OCaml code, to make an exception, and collect. A
/// panic of the user's code on the way (the `Display` of an error) is a panic of the stream's.
fn to_ocaml(scope: &Scope, ending: Ending<()>) -> ocaml::Value {
    let outgoing = catch(AssertUnwindSafe(|| match ending {
        Ending::Value(()) => None,
        Ending::Error(error) => Some(errors_to_ocaml::of_error(scope, &error)),
        Ending::Panic(panic) => Some(errors_to_ocaml::of_panic(scope, &panic)),
        Ending::Dropped => Some(errors_to_ocaml::of_error(scope, &Error::broken_promise())),
    }))
    .unwrap_or_else(|panic| Some(errors_to_ocaml::of_panic(scope, &panic)));
    let Some(Outgoing {
        exception,
        backtrace,
    }) = outgoing
    else {
        return ocaml::Value::Raw(caml::reader::END.0);
    };
    let access = scope.access();
    let mut failed = Block::alloc(access, 2, 0);
    failed.push(access, &exception);
    failed.push(access, &backtrace);
    failed.end()
}

impl<T: ToOCaml + 'static> Shared<T> {
    /// What the buffer holds, as a block; `None` when there is nothing. Converting may collect, and panic: the items before
    /// that cross, and the panic comes behind them.
    fn take(&self, scope: &Scope) -> Option<Block> {
        let size = self.buffer.borrow().len();
        if size == 0 {
            return None;
        }
        let mut done = 0;
        // Not in what is caught: a destructor that panics while a conversion unwinds would abort.
        let mut item = None;
        let access = scope.access();
        let mut block = Block::alloc(access, size, 0);
        let converted = catch(AssertUnwindSafe(|| {
            while done < size {
                item = self.buffer.borrow_mut().pop();
                let Some(item_now) = &item else { break };
                block.push(access, &build::convert_here(access, item_now));
                done += 1;
                item = None;
            }
        }));
        if let Err(panic) = converted {
            drop_quietly(item);
            self.break_off(panic);
        }
        self.handed.set(done);
        match done {
            0 => None,
            n if n == size => Some(block),
            n => Some(block.beginning(access, n)),
        }
    }

    /// A conversion has panicked, or the destructor of what had been converted.
    #[cold]
    fn break_off(&self, panic: Panic) {
        self.cut(Ending::Panic(panic));
        // The task has to drop its stream, and to end.
        if let (Some(task), Some(at)) = (self.task(), AtHome::of(self.home)) {
            task.wake_at_home(at);
        }
    }

    /// The answer to a read that was left open.
    fn answer(&self, scope: &Scope) {
        self.answering.set(false);
        let read = self.read.borrow_mut().take();
        let Some(read) = read else { return };
        self.in_a_row.set(0);
        match self.take(scope) {
            Some(items) => {
                read.reader().put_items(scope.access(), items);
                read.deliver(scope);
            }
            // The ending follows, from the task.
            None => *self.read.borrow_mut() = Some(read),
        }
    }

    /// What there is for a pull, put into the reader.
    fn give(&self, scope: &Scope, reader: &Reader) -> bool {
        if self.over.get() {
            return self.put_ending(scope, reader);
        }
        let Some(task) = self.task().filter(|_| status() == Status::Running) else {
            // The ending is about to come, to an open read.
            return false;
        };
        self.begun.set(true);
        self.handed.set(0);
        let mut items = self.take(scope);
        if items.is_none() && self.waits.get() && self.in_a_row.get() < MOST_IN_A_ROW {
            self.in_a_row.set(self.in_a_row.get() + 1);
            task.clone().run_if_idle(scope);
            items = self.take(scope);
        }
        // There may be room now, or nothing behind the items but the ending.
        let is_open = self.buffer.borrow().is_open();
        if self.waits.get() && (items.is_none() || !is_open || self.has_room()) {
            task.wake_at_home(scope.at());
        }
        self.home.arm_if_needed(scope, false);
        match items {
            Some(items) => {
                reader.put_items(scope.access(), items);
                true
            }
            None => self.put_ending(scope, reader),
        }
    }
}

impl<T: ToOCaml + 'static> Source for Shared<T> {
    fn home(&self) -> &'static Home {
        self.home
    }

    fn pull(&self, scope: &Scope, reader: &Reader) -> bool {
        // Rule 6.
        if self.pulling.replace(true) {
            return false;
        }
        let given = catch(AssertUnwindSafe(|| self.give(scope, reader)));
        self.pulling.set(false);
        let given = given.unwrap_or_else(|panic| {
            // What is the user's was caught where it was called.
            let exception = errors_to_ocaml::of_panic(scope, &panic);
            errors_to_ocaml::report_async(scope, &exception);
            false
        });
        if given {
            self.deliver(scope);
        }
        given
    }

    fn open_read(self: Arc<Self>, at: AtHome, reader: &dyn Fn() -> Reader) -> bool {
        let buffer = self.buffer.borrow();
        let is_there = buffer.len() > 0 || (self.over.get() && buffer.is_over());
        drop(buffer);
        // Rule 6: who pulls will answer.
        if is_there && !self.pulling.get() {
            return false;
        }
        let source: Arc<dyn Source> = self.clone();
        *self.read.borrow_mut() = Some(OpenRead::open(at, source, reader()));
        true
    }

    fn close_unless_waited(&self, scope: &Scope) {
        let read = self.read.borrow_mut().take();
        let Some(read) = read else { return };
        if read.close_unless_waited(scope) {
            drop(read.close(scope));
        } else {
            *self.read.borrow_mut() = Some(read);
        }
    }

    fn close(&self, scope: &Scope) {
        if self.spent.swap(true, Ordering::AcqRel) {
            return;
        }
        // Before the ending of a task that is cancelled.
        self.cut(Ending::Value(()));
        if let Some(task) = self.task() {
            task.cancel(scope);
        }
    }

    fn abandon(self: Arc<Self>) {
        if !self.spent.load(Ordering::Acquire) {
            let home = self.home;
            let let_go = move |scope: &Scope| self.let_go(scope);
            home.queue_anywhere(Runnable::Settle(Box::new(let_go)));
        }
    }
}

/// The future of the task.
struct Pump<T: ToOCaml + 'static> {
    stream: Option<BoxedStream<T>>,
    shared: Arc<Shared<T>>,
}

impl<T: ToOCaml + 'static> Pump<T> {
    /// Fills the buffer. True: the stream has nothing more for now, and will wake the task.
    fn fill(&mut self, context: &mut Context<'_>) -> bool {
        let shared = &self.shared;
        let Some(stream) = &mut self.stream else {
            return false;
        };
        let filled = catch(AssertUnwindSafe(|| {
            while shared.has_room() {
                match stream.as_mut().poll_next(context) {
                    Poll::Ready(Some(Ok(item))) => {
                        let pushed = shared.buffer.borrow_mut().push(item);
                        if let Err(TooLate(item)) = pushed {
                            drop_quietly(item);
                        }
                    }
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
            Poll::Pending => shared.buffer.borrow().is_open(),
            Poll::Ready(None) => false,
            Poll::Ready(Some(ending)) => {
                self.end(ending);
                false
            }
        }
    }

    /// The stream has ended, and is dropped at once, not when OCaml has read the last item. A panic of its destructor is the
    /// ending, unless that is an error or a panic already.
    fn end(&mut self, ending: Ending<()>) {
        let stream = self.stream.take();
        let ending = match (catch(AssertUnwindSafe(|| drop(stream))), ending) {
            (Err(panic), Ending::Value(()) | Ending::Dropped) => Ending::Panic(panic),
            (_, ending) => ending,
        };
        let late = self.shared.buffer.borrow_mut().end(ending).err();
        drop_quietly(late);
    }
}

/// Nothing in it is pinned by itself.
impl<T: ToOCaml + 'static> Unpin for Pump<T> {}

impl<T: ToOCaml + 'static> Future for Pump<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let stream_will_wake = this.fill(context);
        let shared = &this.shared;
        shared.waits.set(!stream_will_wake);
        let (is_open, items) = {
            let buffer = shared.buffer.borrow();
            (buffer.is_open(), buffer.len())
        };
        if !is_open {
            // Of an item that did not cross.
            drop_quietly(this.stream.take());
            if items == 0 {
                return Poll::Ready(());
            }
        }
        let is_read = shared.read.borrow().is_some();
        if items > 0 && is_read && !shared.answering.replace(true) {
            let shared = shared.clone();
            let answer = move |scope: &Scope| shared.answer(scope);
            this.shared
                .home
                .queue_anywhere(Runnable::Settle(Box::new(answer)));
        }
        Poll::Pending
    }
}

impl<T: ToOCaml + 'static> Drop for Pump<T> {
    fn drop(&mut self) {
        if self.shared.buffer.borrow().len() > 0 {
            self.shared.cut(Ending::Dropped);
        }
    }
}

/// The end of the task.
struct End<T>(Arc<Shared<T>>);

impl<T: ToOCaml + 'static> Completion<()> for End<T> {
    fn complete(self, scope: &Scope, ending: Ending<()>) {
        self.0.complete(scope, ending);
    }

    fn disown(self, scope: &Scope) {
        // The destructors of the items wait for threads, perhaps.
        std::mem::forget(self.0.buffer.borrow_mut().cut(Ending::Dropped));
        self.0.complete(scope, Ending::Dropped);
    }
}
