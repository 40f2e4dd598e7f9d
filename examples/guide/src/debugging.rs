//! Chapter 12: debugging.

use std::sync::Mutex;

use ocaml_lwt_interop::{Error, OCamlFunc, func, object};

// -- what a message says --
/// How large a file is.
#[func(blocking)]
pub fn size(path: String) -> Result<usize, Error> {
    Ok(std::fs::metadata(path)?.len() as usize)
}

// -- a task that waits --
/// Waits for something that never comes.
#[func]
pub async fn wait_for_ever() {
    std::future::pending().await
}

// -- a leak --
/// Calls OCaml's functions when a link has changed.
#[object]
pub struct Watcher {
    functions: Mutex<Vec<OCamlFunc<(String,), ()>>>,
}

#[func]
impl Watcher {
    #[func(sync)]
    pub fn create() -> Watcher {
        Watcher {
            functions: Mutex::default(),
        }
    }

    #[func(sync)]
    pub fn on_change(&self, f: OCamlFunc<(String,), ()>) {
        self.functions.lock().unwrap().push(f);
    }

    /// Lets go of the functions.
    #[func(sync)]
    pub fn forget(&self) {
        self.functions.lock().unwrap().clear();
    }
}
