//! Chapter 4: cancellation and timeouts.

// -- from OCaml to Rust --
use std::time::Duration;

use ocaml_lwt_interop::{Error, OCamlAsyncFunc, func};

/// Says when it goes.
struct Connection(String);

impl Drop for Connection {
    fn drop(&mut self) {
        println!("the connection to {} is closed", self.0);
    }
}

/// Asks a server, which answers after so many milliseconds.
#[func]
pub async fn ask(host: String, milliseconds: usize) -> String {
    let connection = Connection(host);
    tokio::time::sleep(Duration::from_millis(milliseconds as u64)).await;
    format!("{} has answered", connection.0)
}

// -- from Rust to OCaml --
/// What OCaml's function gives within so many milliseconds, or nothing.
#[func]
pub async fn at_most(
    milliseconds: usize,
    answer: OCamlAsyncFunc<(), String>,
) -> Result<Option<String>, Error> {
    let time = Duration::from_millis(milliseconds as u64);
    match tokio::time::timeout(time, answer.call(())).await {
        Ok(answer) => answer.map(Some),
        Err(_) => Ok(None),
    }
}

// -- what must be finished --
/// Writes a line to a log. It is not stopped in the middle.
#[func(cancel = "detach")]
pub async fn log(line: String) {
    println!("begin {line}");
    tokio::time::sleep(Duration::from_millis(20)).await;
    println!("end {line}");
}
