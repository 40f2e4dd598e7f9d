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

/// Leaves this process so many bytes of memory to map: of two stacks that are larger than half of that the second is
/// refused, and so is its thread.
#[ocaml::func]
pub fn process_limit_memory(bytes: isize) {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = pages.split(' ').next().unwrap().parse().expect("a number");
    // SAFETY: asks for a number; a limit of this process's own
    unsafe {
        let page = libc::sysconf(libc::_SC_PAGESIZE) as u64;
        let limit = libc::rlimit {
            rlim_cur: pages * page + bytes as u64,
            rlim_max: libc::RLIM_INFINITY,
        };
        assert_eq!(libc::setrlimit(libc::RLIMIT_AS, &limit), 0);
    }
}

/// Takes that limit away.
#[ocaml::func]
pub fn process_unlimit_memory() {
    let limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: a limit of this process's own
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

/// `configure` from Rust: names whose making does something.
#[ocaml::func]
pub fn process_names_that(does: String) -> String {
    static NAMED: AtomicUsize = AtomicUsize::new(0);
    let name = move || {
        let n = NAMED.fetch_add(1, Ordering::Relaxed);
        match does.as_str() {
            "ask for the runtime" => _ = tokio_rt(),
            "configure" => {
                let error = runtime::configure(runtime::Config::new()).expect_err("too late");
                return format!("{:.14}", error.to_string());
            }
            "catch a panic" => _ = std::panic::catch_unwind(|| panic!("a name")),
            "panic for the second" if n == 1 => panic!("no second name"),
            "unwind for the second" if n == 1 => std::panic::resume_unwind(Box::new("unwinds")),
            _ => {}
        }
        format!("name-{n}")
    };
    said(runtime::configure(
        runtime::Config::new()
            .thread_name_fn(name)
            .worker_threads(2),
    ))
}

/// Leaves a signal that no OCaml code has seen yet.
#[ocaml::func]
pub fn process_unseen_signal() {
    // SAFETY: the program has a handler
    unsafe { libc::raise(libc::SIGUSR1) };
}

thread_local! {
    static ENTERED: std::cell::RefCell<Option<ocaml_lwt_interop::domain_executor::ExecutorGuard>> =
        const { std::cell::RefCell::new(None) };
}

/// A thread ends with a guard in a variable of its own, which was made before the executor was entered, or then.
#[func]
pub async fn process_guard_in_a_thread(before: bool) -> Result<isize, Error> {
    let home = ocaml_lwt_interop::handle();
    let (sends, sent) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let thread = std::thread::spawn(move || {
            if before {
                ENTERED.with_borrow(|_| ());
            }
            let guard = home.enter();
            ENTERED.set(Some(guard));
            ocaml_lwt_interop::handle().run_blocking(|_| 1)
        });
        let _ = sends.send(thread.join().expect("no panic"));
    });
    sent.await?
}
