//! A Rust stream as OCaml's reader sees it, and what it has in common with the [task](super::stream_task) that polls it.
//!
//! 1. What is polled and handed over when, and who answers whom, is what its [`window`](super::window) says.
//! 2. OCaml pulls when it has read all that it was handed. What is in the buffer then crosses at once; else the task is
//!    polled, here and now if it was waiting for OCaml and not for its stream. If that gives nothing either, OCaml opens a
//!    read, see [`open_reads`](super::open_reads), and a poll that finds items queues an answer.
//! 3. [`Shared`] is touched at home only, but for what abandons it, and what is the user's in it is dropped there: the items
//!    when the task goes, the ending when OCaml is handed it, or by who lets go of the stream. OCaml's code runs in a pull
//!    and in an answer, and never while anything is borrowed.
//! 4. Items and endings cross by being put into the reader, where there was nothing left ([`caml::reader`]); only then is
//!    OCaml told, if a read is open. Who puts something closes the read, if there is one.

use std::cell::{RefCell, RefMut};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::buffer::TooLate;
use super::open_reads::OpenRead;
use super::window::Window;
use crate::caml::alloc::Block;
use crate::caml::reader::Reader;
use crate::conversion::{ToOCaml, build};
use crate::ending::Ending;
use crate::error::Error;
use crate::errors_to_ocaml::{self, Outgoing};
use crate::home::{AtHome, Home, Runnable, Scope, Source, Task};
use crate::panic::{Panic, catch};
use crate::status::{Status, status};

/// What the task and OCaml's reader have in common.
pub(super) struct Shared<T> {
    home: &'static Home,
    window: RefCell<Window<T, Ending<()>, OpenRead>>,
    task: OnceLock<Task>,
    /// There is nothing left of the user's. Read on any thread.
    spent: AtomicBool,
}

// SAFETY: rule 3; `home` and `task` are `Send` and `Sync`
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above
unsafe impl<T> Sync for Shared<T> {}

/// A panic of the user's destructor has nobody to go to: another ending stands already, and it was printed.
pub(super) fn drop_quietly<D>(value: D) {
    let _ = catch(AssertUnwindSafe(|| drop(value)));
}

impl<T> Shared<T> {
    pub(super) fn new(home: &'static Home, window: usize) -> Arc<Self> {
        Arc::new(Shared {
            home,
            window: RefCell::new(Window::new(window)),
            task: OnceLock::new(),
            spent: AtomicBool::new(false),
        })
    }

    /// Never while anything of the user's or OCaml's runs.
    pub(super) fn window(&self) -> RefMut<'_, Window<T, Ending<()>, OpenRead>> {
        self.window.borrow_mut()
    }

    /// Once.
    pub(super) fn set_task(&self, task: Task) {
        // Nobody else sets it.
        let _ = self.task.set(task);
    }

    fn task(&self) -> Option<Task> {
        self.task.get().cloned()
    }

    /// An item was the last: this comes after it.
    #[cold]
    pub(super) fn cut(&self, ending: Ending<()>) {
        let TooLate((items, ending)) = self.window().cut(ending);
        // One by one: a panic while another unwinds would abort.
        items.into_iter().for_each(drop_quietly);
        drop_quietly(ending);
    }

    /// Puts the ending into a reader that has read all items, if it is its turn. May run OCaml code, to make an exception, and
    /// collect.
    fn put_ending(&self, scope: &Scope, reader: &Reader) -> bool {
        let Some(ending) = self.window().take_ending() else {
            return false;
        };
        let failed = to_ocaml(scope, ending);
        let failed = failed.map(|outgoing| (outgoing.exception, outgoing.backtrace));
        reader.put_ending(scope.access(), failed);
        self.spent.store(true, Ordering::Release);
        true
    }

    /// The reader was given something.
    fn deliver(&self, scope: &Scope) {
        let read = self.window().take_read();
        if let Some(read) = read {
            read.deliver(scope);
        }
    }

    /// The task has ended. Runs OCaml code.
    pub(super) fn complete(&self, scope: &Scope, ending: Ending<()>) {
        let late = match ending {
            // The buffer has it.
            Ending::Value(()) => None,
            // A known ending, behind items that have all crossed, stays.
            ending => self.window().end(ending).err(),
        };
        drop_quietly(late);
        self.window().task_ended();
        let read = self.window().take_read();
        let Some(read) = read else { return };
        if self.put_ending(scope, read.reader()) {
            read.deliver(scope);
        } else {
            self.window().open(read);
        }
    }

    /// The same in the child of a `fork`.
    pub(super) fn disown(&self, scope: &Scope) {
        // The destructors of the items wait for threads, perhaps.
        std::mem::forget(self.window().cut(Ending::Dropped));
        self.complete(scope, Ending::Dropped);
    }

    /// OCaml has collected the reader.
    fn let_go(&self, scope: &Scope) {
        if let Some(task) = self.task() {
            task.cancel(scope);
        }
        let ending = self.window().let_go();
        drop_quietly(ending);
    }
}

/// What comes after the last item, if that is an exception. May run OCaml code, to make an exception, and collect. A
/// panic of the user's code on the way (the `Display` of an error) is a panic of the stream's.
fn to_ocaml(scope: &Scope, ending: Ending<()>) -> Option<Outgoing> {
    catch(AssertUnwindSafe(|| match ending {
        Ending::Value(()) => None,
        Ending::Error(error) => Some(errors_to_ocaml::of_error(scope, &error)),
        Ending::Panic(panic) => Some(errors_to_ocaml::of_panic(scope, &panic)),
        Ending::Dropped => Some(errors_to_ocaml::of_error(scope, &Error::broken_promise())),
    }))
    .unwrap_or_else(|panic| Some(errors_to_ocaml::of_panic(scope, &panic)))
}

impl<T: ToOCaml + 'static> Shared<T> {
    /// What the buffer holds, as a block; `None` when there is nothing. Converting may collect, and panic: the items before
    /// that cross, and the panic comes after them.
    fn take(&self, scope: &Scope) -> Option<Block> {
        let size = self.window().len();
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
                item = self.window().pop();
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
        self.window().hand(done);
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

    /// Queues the answer to a read that was left open.
    pub(super) fn queue_answer(self: Arc<Self>) {
        let home = self.home;
        let answer = move |scope: &Scope| self.answer(scope);
        home.queue_anywhere(Runnable::Settle(Box::new(answer)));
    }

    fn answer(&self, scope: &Scope) {
        let read = self.window().answer();
        let Some(read) = read else { return };
        match self.take(scope) {
            Some(items) => {
                read.reader().put_items(scope.access(), items);
                read.deliver(scope);
            }
            // The ending follows, from the task.
            None => self.window().open(read),
        }
    }

    /// What there is for a pull, put into the reader.
    fn give(&self, scope: &Scope, reader: &Reader) -> bool {
        if self.window().has_ended() {
            return self.put_ending(scope, reader);
        }
        self.window().all_read();
        let Some(task) = self.task().filter(|_| status() == Status::Running) else {
            // The ending is about to come, to an open read.
            return false;
        };
        let mut items = self.take(scope);
        if items.is_none() {
            let now = self.window().poll_now();
            if now {
                task.clone().run_if_idle(scope);
                items = self.take(scope);
            }
        }
        let needs_wake = self.window().needs_wake();
        if needs_wake {
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
        let begun = self.window().begin_pull();
        if !begun {
            return false;
        }
        let given = catch(AssertUnwindSafe(|| self.give(scope, reader)));
        self.window().end_pull();
        let given = given.unwrap_or_else(|panic| {
            // What is the user's was caught where it was called.
            errors_to_ocaml::report_panic(scope, &panic);
            false
        });
        if given {
            self.deliver(scope);
        }
        given
    }

    fn open_read(self: Arc<Self>, at: AtHome, reader: &dyn Fn() -> Reader) -> bool {
        let is_ending = status() != Status::Running;
        let may_open = self.window().may_open(is_ending);
        if !may_open {
            return false;
        }
        let source: Arc<dyn Source> = self.clone();
        let read = OpenRead::open(at, source, reader());
        self.window().open(read);
        true
    }

    fn close_unless_waited(&self, scope: &Scope) {
        let read = self.window().take_read();
        let Some(read) = read else { return };
        if read.close_unless_waited(scope) {
            drop(read.close(scope));
        } else {
            self.window().open(read);
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
