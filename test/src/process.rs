//! What the executables in `test/process` call: see `../README.md`.

mod access;
mod basic;
mod children;
mod depth;
mod on_tokio;
mod blocking_threads;
mod lifetime;
mod objects;
mod panics;
mod pool;
mod signals;
mod streams;
mod threads;
mod values;
mod waits;
mod wakes;

/// Says on standard output when it is dropped, and where.
pub(crate) struct Noisy(pub(crate) String);

impl Drop for Noisy {
    fn drop(&mut self) {
        println!("{} is dropped", self.0);
    }
}

/// How an await ended, for standard output.
pub(crate) fn shown<T: std::fmt::Debug>(result: Result<T, ocaml_lwt_interop::Error>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) if error.is_broken_promise() => "a broken promise".to_owned(),
        Err(error) => format!("an error: {error}"),
    }
}
