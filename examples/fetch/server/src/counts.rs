//! What the server counts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

/// For the whole of the server.
#[derive(Default)]
pub struct Counts {
    numbers: Mutex<Numbers>,
    arrived: Notify,
    go: Notify,
}

#[derive(Default)]
struct Numbers {
    /// Requests that are not answered to the last byte.
    now: usize,
    /// How many there were at most.
    most: usize,
    /// Requests whose client has gone away.
    cancelled: usize,
    /// How many bytes of bodies were handed out to be sent, and taken of bodies that were received.
    sent: u64,
    received: u64,
    /// How many have come to `/together`.
    together: u64,
    requests: BTreeMap<String, u64>,
}

impl Counts {
    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().expect("nothing panics under it")
    }

    /// Counts a request, and says how many there were before for that path.
    pub fn requests(&self, path: &str) -> u64 {
        let mut numbers = self.numbers();
        let count = numbers.requests.entry(path.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    pub fn sent(&self, bytes: usize) {
        self.numbers().sent += bytes as u64;
    }

    pub fn received(&self, bytes: usize) {
        self.numbers().received += bytes as u64;
    }

    /// Waits for [`Counts::went`], before or after it.
    pub async fn go(&self) {
        self.go.notified().await;
    }

    /// Lets one of those that wait go on.
    pub fn went(&self) {
        self.go.notify_one();
    }

    /// Waits until the group is complete: it may be the first one, or a later one.
    pub async fn together(&self, group: u64) {
        let mine = {
            let mut numbers = self.numbers();
            numbers.together += 1;
            numbers.together.div_ceil(group) * group
        };
        self.arrived.notify_waiters();
        loop {
            // It hears what is told from here on.
            let arrived = self.arrived.notified();
            if self.numbers().together >= mine {
                return;
            }
            arrived.await;
        }
    }
}

/// A line for each number.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.numbers();
        writeln!(f, "now {}", numbers.now)?;
        writeln!(f, "most {}", numbers.most)?;
        writeln!(f, "cancelled {}", numbers.cancelled)?;
        writeln!(f, "sent {}", numbers.sent)?;
        writeln!(f, "received {}", numbers.received)?;
        for (path, count) in &numbers.requests {
            writeln!(f, "{path} {count}")?;
        }
        Ok(())
    }
}

/// A request that is under way. If this is dropped before its end, the client has gone away.
pub struct Current {
    counts: Arc<Counts>,
    ended: bool,
}

impl Current {
    pub fn begin(counts: &Arc<Counts>) -> Current {
        let mut numbers = counts.numbers();
        numbers.now += 1;
        numbers.most = numbers.most.max(numbers.now);
        Current {
            counts: Arc::clone(counts),
            ended: false,
        }
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Before the last byte is sent: the client may begin another one as soon as it has that.
    pub fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            self.counts.numbers().now -= 1;
        }
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        if !self.ended {
            let mut numbers = self.counts.numbers();
            numbers.now -= 1;
            numbers.cancelled += 1;
        }
    }
}
