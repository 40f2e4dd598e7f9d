//! A call on its way to a blocking thread, and its answer on the way back.

use std::sync::Arc;

use crate::caml::{AtWork, Root};
use crate::error::Error;
use crate::home::{Home, Runnable, Scope};
use crate::signals::Signals;
use crate::storage::Storage;

/// A call on its way to a blocking thread.
pub(super) struct QueuedCall {
    /// A block: the function, and its arguments.
    pub(super) value: Root,
    pub(super) answer: Answer,
    /// Those of home, where that runs Lwt.
    pub(super) signals: Option<Signals>,
    /// What is bound in the call.
    pub(super) storage: Storage,
}

/// Who awaits an answer.
pub(super) trait Asks: Send + Sync {
    fn is_waiting(&self) -> bool;
    /// At home.
    fn put(&self, scope: &Scope, result: Result<Root, Error>);
    /// From any thread.
    fn break_promise(&self);
}

/// Where a blocking thread sends its answer. Dropped without one, it breaks the promise.
pub(super) struct Answer {
    home: &'static Home,
    asks: Option<Arc<dyn Asks>>,
    _at_work: AtWork,
}

impl Answer {
    pub(super) fn new(home: &'static Home, asks: Arc<dyn Asks>) -> Answer {
        Answer {
            home,
            asks: Some(asks),
            _at_work: AtWork::new(),
        }
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.asks.as_ref().is_some_and(|asks| asks.is_waiting())
    }

    /// After shutdown the answer is dropped on the way.
    pub(super) fn send(self, result: Result<Root, Error>) {
        let home = self.home;
        home.queue_anywhere(Runnable::Job(Box::new(move |scope| {
            let mut answer = self;
            if let Some(asks) = answer.asks.take() {
                asks.put(scope, result);
            }
        })));
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(asks) = self.asks.take() {
            asks.break_promise();
        }
    }
}
