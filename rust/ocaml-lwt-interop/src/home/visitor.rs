//! Threads of OCaml's that run neither Lwt nor a worker domain. They may call what gives its value at once; for that each has an
//! executor, which is closed: nobody polls there, and nothing is queued but the ends of what may end on no other thread. Those run
//! with the thread's next call.

use std::cell::OnceCell;

use super::{AtHome, Driver, Home, lwt_home};
use crate::lock::Mutex;
use crate::wake::WakePath;

/// Those of threads that have ended: a program may have any number of threads, one after the other.
static FREE: Mutex<Vec<&'static Home>> = Mutex::new(Vec::new());

/// The executor of a thread, until that ends.
struct Visitor(&'static Home);

impl Drop for Visitor {
    fn drop(&mut self) {
        if let Some(mut free) = FREE.lock() {
            free.push(self.0);
        }
    }
}

thread_local! {
    static VISITOR: OnceCell<Visitor> = const { OnceCell::new() };
}

/// The executor of this thread, if it has called before.
pub(crate) fn here() -> Option<AtHome> {
    // Gone where the thread's own variables are being dropped.
    let visitor = VISITOR.try_with(|visitor| visitor.get().map(|visitor| visitor.0));
    visitor.ok().flatten().map(AtHome::visiting)
}

/// One for this thread, whose first call it is. `Err` is a message. After Lwt's executor was prepared.
#[cold]
pub(crate) fn begin() -> Result<AtHome, String> {
    // OCaml code that ran on the way here has called.
    if let Some(at) = here() {
        return Ok(at);
    }
    let lwt = lwt_home().expect("Lwt's executor was prepared");
    let free = FREE.lock().and_then(|mut free| free.pop());
    let home = match free {
        Some(home) => home,
        None => {
            let wake =
                WakePath::new().map_err(|error| format!("no descriptor for a thread: {error}"))?;
            Home::new(Driver::Worker, wake, lwt.callbacks)
        }
    };
    let visitor = Visitor(home);
    let at = AtHome::visiting(home);
    home.local(at).closed.set(true);
    // What is left was for the thread before, and nobody may touch it.
    drop(home.wake.close());
    VISITOR
        .try_with(|place| place.set(visitor).map_err(drop))
        .map_err(|_| "the thread is ending".to_owned())?
        .expect("it had none");
    Ok(at)
}
