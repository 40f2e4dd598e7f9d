//! How often each of Rust's nodes was performed, and how it ended: the fuzzer's own table.

use std::collections::BTreeMap;
use std::sync::Mutex;

use ocaml_lwt_interop::func;

use crate::hosted::is_over;
use crate::plan::{InRust, Join, Place, Reader, Value, Way};
use crate::run::Ended;

static TABLE: Mutex<BTreeMap<(String, &str), isize>> = Mutex::new(BTreeMap::new());

pub fn met(row: &str, column: &'static str) {
    let mut table = TABLE.lock().unwrap();
    *table.entry((row.to_owned(), column)).or_insert(0) += 1;
}

/// The column of an ending.
pub fn column(ended: &Ended) -> &'static str {
    match ended {
        Ok(_) => "value",
        Err(error) if error.is_broken_promise() => "broken",
        Err(error) if error.is_canceled() => "cancelled",
        Err(error) if error.is_exception("Rust_async.Rust_panic") => "panic",
        Err(error) if error.panic_message().is_some() => "panic",
        Err(error) if error.exception().is_some() => "exception",
        Err(error) if is_over(error) => "refused",
        Err(_) => "error",
    }
}

/// A node that is being performed.
pub struct Met {
    row: Option<&'static str>,
    column: &'static str,
}

impl Met {
    pub fn new(node: &InRust) -> Met {
        Met {
            row: row(node),
            column: "dropped",
        }
    }

    pub fn ended(&mut self, ended: &Ended) {
        self.column = column(ended);
    }
}

impl Drop for Met {
    fn drop(&mut self) {
        let column = if std::thread::panicking() {
            "panic"
        } else {
            self.column
        };
        if let Some(row) = self.row {
            met(row, column);
        }
    }
}

fn row(node: &InRust) -> Option<&'static str> {
    Some(match node {
        InRust::Ocaml(way, _) => match way {
            Way::Function => "OCamlAsyncFunc::call",
            Way::ProtectedFunction => "OCamlAsyncFunc::call, protected",
            Way::Promise => "Promise",
            Way::ProtectedPromise => "Promise, protected",
            Way::CallAsync => "OCamlFunc::call_async",
            Way::Call => "OCamlFunc::call",
            Way::Closure => "Handle::call",
            Way::RunBlocking => "Handle::run_blocking",
            Way::OnABlockingThread => "run_blocking_in_ocaml",
            Way::OnAWorkerDomain => "DomainPool::call",
            Way::Interface => "interface, async fn",
            Way::InterfaceBlocks => "interface, fn",
        },
        InRust::Task(place, join, _) => match (place, join) {
            (_, Join::Aborted) => "a task, aborted",
            (Place::AtHome, Join::Joined) => "Handle::spawn, joined",
            (Place::AtHome, Join::LetGo) => "Handle::spawn, detached",
            (Place::AtHome, Join::Awaited) => return None,
            (_, Join::LetGo) => "a task elsewhere, detached",
            (_, Join::Awaited | Join::Joined) => "a task elsewhere",
        },
        InRust::ReadLwt(items) if items.by_interface => "interface, LwtStream",
        InRust::ReadLwt(items) => match items.rust_reader {
            Reader::ToTheEnd => "LwtStream, to the end",
            _ => "LwtStream, dropped",
        },
        InRust::Select(_) => "select",
        InRust::Timeout(..) => "tokio timeout",
        InRust::Give(Value::Late) => return None,
        _ => return None,
    })
}

/// Row, column, how often.
#[func(sync)]
pub fn met_in_rust() -> Vec<(String, String, isize)> {
    let table = TABLE.lock().unwrap();
    table
        .iter()
        .map(|((row, column), &times)| (row.clone(), (*column).to_owned(), times))
        .collect()
}
