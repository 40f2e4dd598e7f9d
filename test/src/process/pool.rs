//! Tokio's runtime: what it is like, and a program's own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ocaml_lwt_interop::{Error, func, runtime, tokio_rt};

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

/// Brings a runtime of the program's own, with one worker.
#[ocaml::func]
pub fn process_bring_runtime(name: String) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(name)
        .enable_all()
        .build()
        .expect("threads");
    let set = runtime::set_tokio_rt(runtime.handle().clone());
    *BROUGHT.lock().unwrap() = Some(runtime);
    said(set)
}

static BROUGHT: Mutex<Option<tokio::runtime::Runtime>> = Mutex::new(None);

/// Shuts down the runtime that was brought.
#[ocaml::func]
pub fn process_end_runtime() {
    let runtime = BROUGHT.lock().unwrap().take();
    runtime.expect("it was brought").shutdown_background();
}

/// What OCaml sees: the error, or nothing.
fn said(result: Result<(), Error>) -> String {
    result
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

/// `configure` from Rust: the number of workers, and of threads for blocking calls.
#[ocaml::func]
pub fn process_configure(workers: isize, blocking: isize) -> String {
    let config = runtime::Config::new()
        .worker_threads(workers as usize)
        .max_blocking_threads(blocking as usize);
    said(runtime::configure(config))
}

/// `configure` from Rust: a name for each thread.
#[ocaml::func]
pub fn process_name_threads(prefix: String) -> String {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    let name = move || format!("{prefix}-{}", THREADS.fetch_add(1, Ordering::Relaxed));
    said(runtime::configure(
        runtime::Config::new().thread_name_fn(name),
    ))
}

/// `configure` from Rust, with something that is out of range.
#[ocaml::func]
pub fn process_configure_wrongly(which: isize) -> String {
    let config = runtime::Config::new();
    said(runtime::configure(match which {
        0 => config.worker_threads(0),
        1 => config.worker_threads(usize::MAX),
        2 => config.max_blocking_threads(0),
        3 => config.thread_stack_size(1),
        _ => config.thread_name("a\0b"),
    }))
}

/// How large the stack of a worker is.
#[func(tokio)]
pub fn process_stack_size() -> isize {
    // SAFETY: the attributes are those of this thread, initialised by the first call and destroyed by the last
    unsafe {
        let mut attributes = std::mem::zeroed();
        let mut size = 0;
        libc::pthread_getattr_np(libc::pthread_self(), &mut attributes);
        libc::pthread_attr_getstacksize(&attributes, &mut size);
        libc::pthread_attr_destroy(&mut attributes);
        size as isize
    }
}

/// How many threads the process has.
#[func]
pub fn process_threads() -> isize {
    std::fs::read_dir("/proc/self/task").expect("Linux").count() as isize
}
