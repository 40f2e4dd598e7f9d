//! The window of a Rust stream that OCaml reads: what its task and its reader know of one another. Pure: no `unsafe`, no
//! OCaml, so that a test can try all that may happen, in every order. One thread has it, that of the stream's executor: it is in a
//! `RefCell`, and what happens elsewhere (a wake of the stream's, a reader that was collected) is queued for that thread. So a test of
//! one thread sees all there is.
//!
//! 1. Nothing is polled before OCaml reads for the first time. From then on items are read ahead: what is in the buffer and
//!    what OCaml was handed and may not have read is together no more than the window.
//! 2. No wake is lost: while a read is open, the stream has the task's waker, or the task or an answer is queued.
//! 3. At most one answer is queued.
//! 4. A reader whose pulls are all answered at once would keep everybody else waiting: after so many polls in a row the task
//!    goes through the queue.
//! 5. The ending crosses when the task has ended, and not before.
//! 6. The user's code may read its own stream: in a poll, and in a conversion. A pull inside of a pull gives nothing, and the
//!    read that it opens is answered by the pull around it.

use super::buffer::{After, Buffer, TooLate};

use std::collections::VecDeque;

/// Of items `T` that end with an `E`; `R` is a read that is open.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub(super) struct Window<T, E, R> {
    size: usize,
    /// What OCaml has not been handed.
    buffer: Buffer<T, E>,
    /// How many items OCaml was handed last, and may not have read. None: it has not read yet.
    handed: Option<usize>,
    task: Task,
    /// A pull is on the stack.
    pulling: bool,
    /// OCaml waits.
    read: Option<R>,
    /// An answer to the open read is queued.
    answering: bool,
    /// How many pulls in a row had the task polled here and now.
    in_a_row: u32,
}

/// The task, between two polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
enum Task {
    /// It waits for OCaml: a pull polls it, or wakes it. From the start.
    ForOCaml,
    /// It waits for its stream, which has its waker.
    ForStream,
    /// There is none any more: the buffer has an ending, or OCaml was handed that. Final.
    Ended,
}

/// What the task does after a poll.
#[must_use = "an answer that is not queued leaves OCaml waiting"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polled {
    /// It is pending.
    Pending,
    /// It is pending, and queues an answer to the open read.
    Answer,
    /// It ends: nothing is left but the ending.
    End,
}

/// Rule 4.
const MOST_IN_A_ROW: u32 = 16;

impl<T, E, R> Window<T, E, R> {
    pub(super) fn new(size: usize) -> Self {
        Window {
            size,
            buffer: Buffer::new(),
            handed: None,
            task: Task::ForOCaml,
            pulling: false,
            read: None,
            answering: false,
            in_a_row: 0,
        }
    }

    /// How many items are in the buffer.
    pub(super) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether the stream may give more.
    pub(super) fn is_open(&self) -> bool {
        self.buffer.is_open()
    }

    /// Whether the stream is to be polled. Rule 1.
    pub(super) fn has_room(&self) -> bool {
        let ahead = |handed| self.buffer.len() + handed;
        self.buffer.is_open() && self.handed.is_some_and(|handed| ahead(handed) < self.size)
    }

    /// The stream gave an item.
    pub(super) fn push(&mut self, item: T) -> Result<(), TooLate<T>> {
        self.buffer.push(item)
    }

    /// The stream gives no more.
    pub(super) fn end(&mut self, ending: E) -> Result<(), TooLate<E>> {
        self.buffer.end(ending)
    }

    /// An item was the last: this comes after it.
    pub(super) fn cut(&mut self, ending: E) -> TooLate<(VecDeque<T>, After<E>)> {
        self.buffer.cut(ending)
    }

    /// The task was polled. `will_wake`: the stream was pending.
    pub(super) fn polled(&mut self, will_wake: bool) -> Polled {
        self.task = if will_wake && self.buffer.is_open() {
            Task::ForStream
        } else {
            Task::ForOCaml
        };
        if self.buffer.is_over() {
            return Polled::End;
        }
        let answer = self.buffer.len() > 0 && self.read.is_some() && !self.answering;
        if answer {
            self.answering = true;
            Polled::Answer
        } else {
            Polled::Pending
        }
    }

    /// The task has ended.
    pub(super) fn task_ended(&mut self) {
        self.task = Task::Ended;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.task == Task::Ended
    }

    /// OCaml pulls. False: in the middle of a pull, which this one leaves the answer to (rule 6).
    #[must_use]
    pub(super) fn begin_pull(&mut self) -> bool {
        !std::mem::replace(&mut self.pulling, true)
    }

    pub(super) fn end_pull(&mut self) {
        self.pulling = false;
    }

    /// OCaml has read all that it was handed.
    pub(super) fn all_read(&mut self) {
        self.handed = Some(0);
    }

    /// An item crosses.
    pub(super) fn pop(&mut self) -> Option<T> {
        self.buffer.pop()
    }

    /// So many items have crossed.
    pub(super) fn hand(&mut self, items: usize) {
        self.handed = Some(items);
    }

    /// There is nothing for this pull: whether the task is polled here and now, which counts. Rule 4.
    #[must_use]
    pub(super) fn poll_now(&mut self) -> bool {
        let now = self.task == Task::ForOCaml && self.in_a_row < MOST_IN_A_ROW;
        self.in_a_row += u32::from(now);
        now
    }

    /// After a pull: whether the task is to be woken, since there is room, or nothing behind the items but the ending.
    #[must_use]
    pub(super) fn needs_wake(&self) -> bool {
        self.task == Task::ForOCaml && (!self.buffer.is_open() || self.has_room())
    }

    /// OCaml's ending, if it is its turn. Rule 5.
    pub(super) fn take_ending(&mut self) -> Option<E> {
        if self.has_ended() {
            self.buffer.take_ending()
        } else {
            None
        }
    }

    /// Nobody reads any more: the ending, if there is one.
    pub(super) fn let_go(&mut self) -> Option<E> {
        self.buffer.take_ending()
    }

    /// Whether OCaml may wait: there is nothing for it, or the pull around will answer (rule 6). Not when it was handed items
    /// after its pull, by what ran since: only a pull says that these were read, and makes room. While the bridge ends nothing
    /// is given for a pull, and the ending is about to come.
    #[must_use]
    pub(super) fn may_open(&self, is_ending: bool) -> bool {
        let is_over = self.has_ended() && self.buffer.is_over();
        let is_there = self.buffer.len() > 0 || is_over;
        let will_end = is_ending && !self.has_ended();
        self.pulling || (self.handed == Some(0) && (will_end || !is_there))
    }

    /// OCaml waits.
    pub(super) fn open(&mut self, read: R) {
        self.read = Some(read);
    }

    /// The open read, for who gives its reader something and closes it, or [opens](Window::open) it again.
    pub(super) fn take_read(&mut self) -> Option<R> {
        self.read.take()
    }

    /// The answer that was queued: the open read, as in [`Window::take_read`], if it is still there.
    pub(super) fn answer(&mut self) -> Option<R> {
        self.answering = false;
        let read = self.read.take();
        if read.is_some() {
            self.in_a_row = 0;
        }
        read
    }
}

#[cfg(all(test, not(loom)))]
#[path = "window/tests/mod.rs"]
mod tests;
