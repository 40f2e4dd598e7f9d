//! Tokio's runtime: its size, and a program's own.

use ocaml_lwt_interop::{Error, domain_executor, func, tokio_rt};

/// How many workers Tokio has.
#[func]
pub async fn process_workers() -> isize {
    tokio::runtime::Handle::current().metrics().num_workers() as isize
}

/// The name of a Tokio worker.
#[func]
pub async fn process_worker_name() -> Result<String, Error> {
    Ok(tokio::spawn(async {
        let thread = std::thread::current();
        thread.name().unwrap_or_default().to_owned()
    })
    .await?)
}

/// Whether `tokio_rt` and the runtime that is entered are the same.
#[func]
pub async fn process_one_runtime() -> bool {
    tokio_rt().id() == tokio::runtime::Handle::current().id()
}

/// Brings a runtime of the program's own, with one worker. What OCaml sees is the error, or nothing.
#[ocaml::func]
pub fn process_bring_runtime(name: String) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(name)
        .enable_all()
        .build()
        .expect("threads");
    let set = domain_executor::set_tokio_rt(runtime.handle().clone());
    std::mem::forget(runtime);
    set.err().map(|error| error.to_string()).unwrap_or_default()
}

/// `set_worker_threads` from Rust. What OCaml sees is the error, or nothing.
#[ocaml::func]
pub fn process_set_workers(count: isize) -> String {
    let set = domain_executor::set_worker_threads(count as usize);
    set.err().map(|error| error.to_string()).unwrap_or_default()
}
