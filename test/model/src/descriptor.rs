//! A wake descriptor that the model checker sees. It takes the place of the crate's own: who waits for it, waits for a write.

use loom::sync::{Condvar, Mutex};

#[derive(Debug)]
pub(crate) struct WakeDescriptor {
    is_readable: Mutex<bool>,
    changed: Condvar,
}

impl WakeDescriptor {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(WakeDescriptor {
            is_readable: Mutex::new(false),
            changed: Condvar::new(),
        })
    }

    pub(crate) fn number(&self) -> i32 {
        -1
    }

    pub(crate) fn write(&self) {
        *self.is_readable.lock().unwrap() = true;
        self.changed.notify_one();
    }

    pub(crate) fn wait(&self) {
        let mut is_readable = self.is_readable.lock().unwrap();
        while !*is_readable {
            is_readable = self.changed.wait(is_readable).unwrap();
        }
    }

    pub(crate) fn drain(&self) {
        *self.is_readable.lock().unwrap() = false;
    }
}
