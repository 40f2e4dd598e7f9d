//! A channel of the mutex and the condition here. That of the standard library keeps who waits in a list of its own, of which
//! ThreadSanitizer sees a part.

use std::collections::VecDeque;
use std::sync::mpsc::{RecvError, SendError};
use std::sync::{Arc, PoisonError};

use crate::locks::{Condvar, Mutex};

#[derive(Debug)]
struct Channel<T> {
    items: Mutex<VecDeque<T>>,
    came: Condvar,
}

#[derive(Debug)]
pub struct Sender<T>(Arc<Channel<T>>);

#[derive(Debug)]
pub struct Receiver<T>(Arc<Channel<T>>);

pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel {
        items: Mutex::new(VecDeque::new()),
        came: Condvar::new(),
    });
    (Sender(channel.clone()), Receiver(channel))
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender(self.0.clone())
    }
}

impl<T> Sender<T> {
    pub fn send(&self, item: T) -> Result<(), SendError<T>> {
        let items = self.0.items.lock();
        items
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(item);
        self.0.came.notify_one();
        Ok(())
    }
}

impl<T> Receiver<T> {
    /// As loom's, it waits for ever where nobody is left to send.
    pub fn recv(&self) -> Result<T, RecvError> {
        let mut items = self.0.items.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(item) = items.pop_front() {
                return Ok(item);
            }
            items = self
                .0
                .came
                .wait(items)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
