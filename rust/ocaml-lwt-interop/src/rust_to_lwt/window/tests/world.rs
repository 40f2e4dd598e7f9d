//! OCaml, a stream, the queue and the end of the bridge around a window, as `stream_source.rs` and `stream_task.rs` are.

use super::*;

/// An item is the place of what gave it in the script.
type Item = usize;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) script: Vec<Does>,
    pub(super) window: Window<Item, End, ()>,
    pub(super) size: usize,
    pub(super) task: Executor,
    /// The stream: where it is in its script; none when it was dropped.
    pub(super) stream: Option<usize>,
    /// It waits, and has the task's waker.
    pub(super) has_waker: bool,
    pub(super) answers: usize,
    /// OCaml's reader: what it was handed, what it has read.
    pub(super) items: VecDeque<Item>,
    pub(super) ending: Option<End>,
    /// A read is open.
    pub(super) begun: bool,
    /// A pull gave nothing, and OCaml is about to open a read: what it allocates for that may run anything.
    pub(super) opening: bool,
    pub(super) has_pulled: bool,
    pub(super) read: usize,
    pub(super) has_ended: Option<End>,
    /// The bridge ends: nothing is polled for OCaml any more.
    pub(super) is_ending: bool,
    /// The executor has shut down.
    pub(super) is_shut: bool,
}

impl World {
    pub(super) fn new(script: Vec<Does>, size: usize) -> World {
        World {
            script,
            window: Window::new(size),
            size,
            task: Executor::Idle,
            stream: Some(0),
            has_waker: false,
            answers: 0,
            items: VecDeque::new(),
            ending: None,
            begun: false,
            opening: false,
            has_pulled: false,
            read: 0,
            has_ended: None,
            is_ending: false,
            is_shut: false,
        }
    }

    /// False: it cannot happen now.
    pub(super) fn happens(&mut self, event: Event) -> bool {
        match event {
            Event::OCamlReads if self.has_ended.is_none() && !self.begun && !self.opening => {
                self.opening = !self.asks();
            }
            Event::OCamlOpens if self.opening => {
                self.opening = false;
                if !self.begun && self.has_ended.is_none() && !self.opens() {
                    self.opening = !self.asks();
                }
            }
            Event::OCamlGivesUp if self.begun => {
                assert!(self.window.take_read().is_some());
                self.begun = false;
            }
            Event::StreamWakes if self.has_waker => {
                self.has_waker = false;
                self.wake();
            }
            Event::TaskRuns if self.task == Executor::Queued => self.run(),
            Event::AnswerRuns if self.answers > 0 => self.answer(),
            Event::TheEndBegins if !self.is_ending => self.is_ending = true,
            Event::Shutdown if self.is_ending && !self.is_shut => {
                self.is_shut = true;
                self.task_ends(End::Dropped);
            }
            _ => return false,
        }
        self.check();
        true
    }

    fn check(&self) {
        let ahead = self.window.len() + self.items.len();
        assert!(ahead <= self.size, "more than the window: {self:?}");
        assert!(self.answers <= 1, "more answers than one: {self:?}");
        assert_eq!(self.begun, self.window.read.is_some(), "{self:?}");
    }

    // The executor

    fn wake(&mut self) {
        match self.task {
            Executor::Idle => self.task = Executor::Queued,
            Executor::Running => self.task = Executor::Woken,
            Executor::Queued | Executor::Woken | Executor::Done => {}
        }
    }

    fn run(&mut self) {
        self.task = Executor::Running;
        if self.poll() {
            self.task_ends(End::Done);
        } else {
            self.task = match self.task {
                Executor::Woken => Executor::Queued,
                _ => Executor::Idle,
            };
        }
    }

    /// As `Shared::complete`, after the future was dropped.
    fn task_ends(&mut self, end: End) {
        if self.task == Executor::Done {
            return;
        }
        self.task = Executor::Done;
        self.stream = None;
        self.has_waker = false;
        if self.window.len() > 0 {
            let _ = self.window.cut(End::Dropped);
        }
        if end != End::Done {
            let _ = self.window.end(end);
        }
        self.window.task_ended();
        if let Some(read) = self.window.take_read() {
            if self.put_ending() {
                self.delivered();
            } else {
                self.window.open(read);
            }
        }
    }

    // The task

    /// True: it is ready.
    fn poll(&mut self) -> bool {
        assert!(self.has_pulled, "polled before OCaml reads: {self:?}");
        let will_wake = self.fill();
        if !self.window.is_open() {
            self.stream = None;
        }
        match self.window.polled(will_wake) {
            Polled::Pending => false,
            Polled::Answer => {
                self.answers += 1;
                false
            }
            Polled::End => true,
        }
    }

    fn fill(&mut self) -> bool {
        while self.window.has_room() {
            let Some(at) = self.stream else { return false };
            let does = self.script.get(at);
            self.stream = Some(at + 1);
            match does {
                None => {
                    self.stream = None;
                    self.window.end(End::Done).unwrap();
                    return false;
                }
                Some(Does::Waits) => {
                    self.has_waker = true;
                    return true;
                }
                Some(Does::Reads) => self.reads(),
                Some(Does::Gives | Does::GivesBad | Does::GivesReading) => {
                    self.window.push(at).unwrap();
                }
            }
        }
        false
    }

    // OCaml's reader

    /// As `next` in `reader.ml`. False: a read is to be opened.
    fn asks(&mut self) -> bool {
        loop {
            if let Some(item) = self.items.pop_front() {
                self.has_read(item);
                return true;
            }
            if let Some(end) = self.ending {
                self.has_ended = Some(end);
                return true;
            }
            self.has_pulled = true;
            if !self.pull() {
                return self.begun;
            }
        }
    }

    fn opens(&mut self) -> bool {
        let opens = self.window.may_open(self.is_ending);
        if opens {
            self.window.open(());
            self.begun = true;
        }
        opens
    }

    /// In the middle of something else.
    fn reads(&mut self) {
        for _ in 0..10 {
            if self.begun || self.has_ended.is_some() || self.asks() || self.opens() {
                return;
            }
        }
        panic!("OCaml pulls for ever: {self:?}");
    }

    /// In their order, and none is left out.
    fn has_read(&mut self, item: Item) {
        let gives = |does: &Does| !matches!(does, Does::Waits | Does::Reads);
        let next = (self.read..).find(|at| self.script.get(*at).is_none_or(gives));
        assert_eq!(Some(item), next, "not the next item: {self:?}");
        self.read = item + 1;
    }

    /// The reader was given something, and told.
    fn delivered(&mut self) {
        if std::mem::take(&mut self.begun) {
            match self.items.pop_front() {
                Some(item) => self.has_read(item),
                None => self.has_ended = self.ending,
            }
        }
    }

    // As in `stream_source.rs`

    fn put_ending(&mut self) -> bool {
        let Some(end) = self.window.take_ending() else {
            return false;
        };
        assert_eq!(self.ending, None, "a second ending: {self:?}");
        assert_eq!(self.stream, None, "not dropped: {self:?}");
        assert!(self.items.is_empty(), "before the last item: {self:?}");
        self.ending = Some(end);
        true
    }

    fn take(&mut self) -> Option<VecDeque<Item>> {
        let size = self.window.len();
        if size == 0 {
            return None;
        }
        let mut items = VecDeque::new();
        while items.len() < size {
            let Some(item) = self.window.pop() else { break };
            match self.script[item] {
                Does::GivesBad => {
                    let _ = self.window.cut(End::Panic);
                    self.wake();
                    break;
                }
                Does::GivesReading => self.reads(),
                _ => {}
            }
            items.push_back(item);
        }
        self.window.hand(items.len());
        (!items.is_empty()).then_some(items)
    }

    fn answer(&mut self) {
        self.answers -= 1;
        let Some(read) = self.window.answer() else {
            return;
        };
        match self.take() {
            Some(items) => {
                self.items = items;
                self.delivered();
            }
            None => self.window.open(read),
        }
    }

    fn pull(&mut self) -> bool {
        if !self.window.begin_pull() {
            return false;
        }
        let given = self.give();
        self.window.end_pull();
        if given && self.window.take_read().is_some() {
            self.delivered();
        }
        given
    }

    fn give(&mut self) -> bool {
        if self.window.has_ended() {
            return self.put_ending();
        }
        self.window.all_read();
        if self.is_ending {
            return false;
        }
        let mut items = self.take();
        if items.is_none() && self.window.poll_now() {
            assert!(!self.has_waker, "its stream has nothing: {self:?}");
            if self.task == Executor::Idle {
                self.run();
            }
            items = self.take();
        }
        if self.window.needs_wake() {
            assert!(!self.has_waker, "its stream has nothing: {self:?}");
            self.wake();
        }
        match items {
            Some(items) => {
                self.items = items;
                true
            }
            None => self.put_ending(),
        }
    }

    /// The rest arrives, if everybody does his part.
    pub(super) fn finish(mut self) {
        let from = self.clone();
        if self.is_ending {
            self.happens(Event::Shutdown);
        }
        for _ in 0..100 {
            let runs = [
                Event::OCamlOpens,
                Event::TaskRuns,
                Event::AnswerRuns,
                Event::StreamWakes,
            ];
            if !runs.into_iter().any(|event| self.happens(event))
                && !self.happens(Event::OCamlReads)
            {
                break;
            }
        }
        let bad = |does: &Does| *does == Does::GivesBad;
        match self.has_ended {
            Some(End::Done) => {
                let gives = |does: &Does| !matches!(does, Does::Waits | Does::Reads);
                let last = self.script.iter().rposition(gives);
                assert!(
                    last.is_none_or(|last| self.read > last),
                    "ended before: {self:?}"
                );
            }
            Some(End::Panic) => {
                let bad = self.script.iter().position(bad);
                assert!(bad.is_some_and(|bad| self.read <= bad), "{self:?}");
            }
            Some(End::Dropped) => assert!(self.is_shut, "dropped without cause: {self:?}"),
            None => panic!("OCaml waits for ever, from {from:?}\nto {self:?}"),
        }
    }
}
