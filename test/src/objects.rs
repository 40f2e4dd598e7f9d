//! Objects.

use ocaml_lwt_interop::{Error, Object, func, object};
use std::sync::atomic::{AtomicIsize, Ordering};

/// A counter.
#[object]
pub struct Counter {
    count: AtomicIsize,
}

#[func]
impl Counter {
    /// Begins at a number.
    pub async fn start(at: isize) -> Result<Counter, Error> {
        if at < 0 {
            return Err(Error::msg("below zero"));
        }
        Ok(Counter { count: at.into() })
    }

    pub async fn add(&self, n: isize) -> isize {
        tokio::task::yield_now().await;
        self.count.fetch_add(n, Ordering::Relaxed) + n
    }

    #[func(sync)]
    pub fn now(&self) -> isize {
        self.count.load(Ordering::Relaxed)
    }

    #[func(sync)]
    pub fn same(this: Object<Self>) -> Object<Self> {
        this
    }
}
