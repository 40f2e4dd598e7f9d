//! The handles of a domain executor: what [`domain_executor`](crate::domain_executor) has of this floor.

use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::mpsc;

use ocaml::Runtime;

use crate::caml;
use crate::error::Error;
use crate::executor::join::JoinHandle;
use crate::executor::ocaml_runtime::{ocaml_runtime, with_scope_of};
use crate::executor::task;
use crate::home::{AtHome, Budget, Home, Runnable, Scope};
use crate::panic::catch;
use crate::status::{Status, status};
use crate::storage::{self, From, Storage};

/// The executor of this domain thread. It stays on its thread. [`DomainExecutor::handle`] gives a handle for other threads.
///
/// ```
/// use ocaml_lwt_interop::domain_executor::{Budget, DomainExecutor};
///
/// /// How many tasks there are. A tick is to poll ten of them at most.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn live_tasks() -> usize {
///     let executor = DomainExecutor::current().expect("a #[func] runs on a thread with an executor");
///     executor.set_budget(Budget { polls: 10, ..Budget::default() });
///     executor.live_tasks()
/// }
/// ```
#[derive(Clone, Copy)]
pub struct DomainExecutor {
    home: &'static Home,
    not_send: PhantomData<*const ()>,
}

impl DomainExecutor {
    /// The executor of this thread, if it has one: the first `#[func]` that is called starts it.
    pub fn current() -> Option<DomainExecutor> {
        AtHome::here().map(|at| DomainExecutor {
            home: at.home(),
            not_send: PhantomData,
        })
    }

    /// A handle of this executor, for other threads.
    pub fn handle(self) -> Handle {
        Handle::new(self.home)
    }

    /// Sets how much a tick does before it lets Lwt's I/O have its turn.
    pub fn set_budget(self, budget: Budget) {
        if let Some(at) = AtHome::of(self.home) {
            self.home.set_budget(at, budget);
        }
    }

    /// The number of tasks that have not ended.
    pub fn live_tasks(self) -> usize {
        AtHome::of(self.home).map_or(0, |at| self.home.live_tasks(at))
    }
}

/// A domain executor, from any thread.
///
/// ```
/// use ocaml_lwt_interop::{Error, Handle, OCamlFunc, handle};
///
/// /// Calls `f` from a plain thread: at home, in a closure.
/// #[ocaml_lwt_interop::func]
/// pub async fn from_a_plain_thread(f: OCamlFunc<(), isize>) -> Result<isize, Error> {
///     let home: Handle = handle();
///     let thread = std::thread::spawn(move || home.call(move |runtime| f.call(runtime, ())));
///     thread.join().expect("it does not panic").await?
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Handle {
    home: &'static Home,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

impl Handle {
    pub(crate) fn new(home: &'static Home) -> Handle {
        Handle { home }
    }

    pub(crate) fn home(self) -> &'static Home {
        self.home
    }

    /// Runs a future on the domain thread; from any thread.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let home = self.home;
        JoinHandle::new(home, |join| match AtHome::of(home) {
            Some(at) => task::spawn_local(at, future, join),
            None => task::spawn_remote(home, future, join),
        })
    }

    /// Runs a closure on the domain thread, in its next tick, and gives its value; from any thread.
    ///
    /// # Errors
    /// The closure panicked, or the executor has shut down.
    pub fn call<R>(&self, f: impl FnOnce(&Runtime) -> R + Send + 'static) -> JoinHandle<R>
    where
        R: Send + 'static,
    {
        self.spawn(async move { f(&ocaml_runtime()) })
    }

    /// Runs a closure on the domain thread, and blocks this thread until it has the value. The closure may borrow.
    ///
    /// It is for a thread that nobody waits for: one of Tokio's, with a task or a blocking call, a thread of another pool,
    /// or a plain one. A job of a worker domain may wait for the thread that runs Lwt.
    ///
    /// Home runs the closure when it has its turn. So hold no lock over this call that code at home may want, and do not
    /// call it in the initialisation of a `LazyLock` or a `OnceLock`. Home would wait for the lock, and the holder of the
    /// lock for home.
    ///
    /// Do not call it on a thread that home waits for. For example, home waits for a blocking task when a Tokio runtime is
    /// dropped there.
    ///
    /// # Errors
    /// - Misuse, where home could never run the closure: at home; on a thread that holds OCaml's runtime lock, in a
    ///   `#[ocaml::func]` or on an OCaml thread; on a domain thread, for a worker domain; in the child of a `fork`.
    /// - The closure panicked.
    /// - A broken promise: the executor has shut down, or the worker domain is gone.
    pub fn run_blocking<R: Send>(&self, f: impl FnOnce(&Runtime) -> R + Send) -> Result<R, Error> {
        let releases_lock = self.who_would_come()?;
        let (sender, mut receiver) = mpsc::sync_channel(1);
        let job = Blocking { f, sender };
        let storage = Storage::running();
        let is_outside = storage.is_none();
        let storage = storage.unwrap_or_default();
        let run = move || storage::outside(is_outside, || job.run());
        let job: Box<dyn FnOnce(&Scope) + Send + '_> =
            Box::new(move |scope: &Scope| storage.bind(scope, From::Tick, run));
        // SAFETY: the closure may borrow from this frame, which is left only when `f` has been called or dropped: the
        // channel says so, since `Blocking` gives up its sender after `f`
        let job: Box<dyn FnOnce(&Scope) + Send + 'static> = unsafe { std::mem::transmute(job) };
        self.home.queue_anywhere(Runnable::Job(job));
        let received = if releases_lock {
            let receiver = &mut receiver;
            caml::lock::with_access(|access| caml::without_lock(access, move || receiver.recv()))
                .expect("looked at above")
        } else {
            receiver.recv()
        };
        match received {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(panic)) => Err(Error::from_panic(panic)),
            Err(mpsc::RecvError) => Err(Error::broken_promise()),
        }
    }

    /// Whether this thread may block for home, and must release the runtime lock meanwhile.
    ///
    /// A worker domain may wait for the thread that runs Lwt, which waits for nobody. It may not wait for another worker
    /// domain: two that wait for each other would do so for ever. While the lock is released, other threads collect. So this
    /// is allowed only where nothing but Rust and this crate is on the stack: OCaml code or ocaml-rs further down may have
    /// values that are not rooted.
    fn who_would_come(&self) -> Result<bool, Error> {
        let refused = |why: &str| {
            Err(Error::misuse(format!(
                "Handle::run_blocking was called {why}"
            )))
        };
        if status() == Status::Forked {
            return refused(
                "in the child of a fork, where the domain thread runs nothing for other threads: fork before the first call \
                 of a Rust function, or call it in the parent",
            );
        }
        match AtHome::here() {
            Some(at) if std::ptr::eq(at.home(), self.home) => refused(
                "on the domain thread, which would wait for itself for ever: call the closure directly, or use \
                 Handle::call and await it",
            ),
            Some(_) if !self.home.is_lwt() => refused(
                "on a domain thread for a worker domain, and the two might wait for each other for ever: use Handle::call \
                 and await it",
            ),
            Some(_) if caml::lock::has_access() => Ok(true),
            _ if caml::lock::is_held() => refused(
                "on a thread that holds OCaml's runtime lock, without which the domain thread cannot run: use Handle::call \
                 and await it, or call it on a thread of Rust's, in a #[func(blocking)] say",
            ),
            _ => Ok(false),
        }
    }

    /// Makes this the executor of [`handle`] and [`spawn`] on this thread, until the guard is dropped.
    #[must_use = "the executor is left when the guard is dropped"]
    pub fn enter(&self) -> ExecutorGuard {
        let depth = DEPTH.get() + 1;
        DEPTH.set(depth);
        ExecutorGuard {
            depth,
            before: ENTERED.replace(Some(*self)),
            not_send: PhantomData,
        }
    }

    /// Whether this thread is the domain thread.
    pub fn is_home(&self) -> bool {
        AtHome::of(self.home).is_some()
    }
}

// Neither has a destructor: a guard may be made and dropped in those of a thread's own variables.
thread_local! {
    /// The executor that a guard has entered last on this thread, of those that are there.
    static ENTERED: Cell<Option<Handle>> = const { Cell::new(None) };
    /// How many guards there are on this thread.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// An executor entered by [`Handle::enter`].
///
/// ```
/// use ocaml_lwt_interop::domain_executor::ExecutorGuard;
/// use ocaml_lwt_interop::{Error, handle, spawn};
///
/// /// On another thread, `spawn` is told where by a guard.
/// #[ocaml_lwt_interop::func]
/// pub async fn spawned_from_a_plain_thread() -> Result<bool, Error> {
///     let home = handle();
///     let thread = std::thread::spawn(move || {
///         let _guard: ExecutorGuard = home.enter();
///         spawn(async move { home.is_home() })
///     });
///     thread.join().expect("it does not panic").await
/// }
/// ```
///
/// # Panics
/// When guards are not dropped in the reverse order of their making.
#[derive(Debug)]
pub struct ExecutorGuard {
    depth: usize,
    before: Option<Handle>,
    not_send: PhantomData<*const ()>,
}

impl Drop for ExecutorGuard {
    fn drop(&mut self) {
        let depth = DEPTH.get();
        // Else it went with one that was made before it.
        if depth >= self.depth {
            DEPTH.set(self.depth - 1);
            ENTERED.set(self.before);
        }
        assert!(
            depth == self.depth || std::thread::panicking(),
            "executor guard {} of {depth} was dropped first: guards are dropped in the reverse order of their making",
            self.depth,
        );
    }
}

/// The executor that was entered last on this thread, or else this thread's own.
///
/// # Panics
/// Where there is none.
pub fn handle() -> Handle {
    try_handle().expect(
        "handle() was called on a thread without a domain executor: pass a Handle to this thread, and enter it there",
    )
}

pub(crate) fn try_handle() -> Option<Handle> {
    ENTERED
        .get()
        .or_else(|| DomainExecutor::current().map(DomainExecutor::handle))
}

/// Runs a future on the domain thread; see [`handle`] for which.
///
/// # Panics
/// As [`handle`].
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    handle().spawn(future)
}

/// Runs a future on this very thread, which is a domain thread; it need not be `Send`.
///
/// # Panics
/// On another thread.
pub fn spawn_local<F: Future + 'static>(future: F) -> JoinHandle<F::Output> {
    let at = AtHome::here().expect(
        "spawn_local was called on a thread without a domain executor, where a future that is not Send cannot run: \
         use Handle::spawn",
    );
    JoinHandle::new(at.home(), |join| task::spawn_local(at, future, join))
}

/// As [`spawn_local`], for code that has a `&Runtime`. The task is first polled in the loop's next turn.
///
/// # Panics
/// Where [`ocaml_runtime`] does.
pub fn spawn_with_runtime<F: Future + 'static>(
    runtime: &Runtime,
    future: F,
) -> JoinHandle<F::Output> {
    with_scope_of(runtime, "spawn_with_runtime was called", |scope| {
        let handle = JoinHandle::new(scope.home(), |join| {
            task::spawn_local(scope.at(), future, join)
        });
        scope.home().arm_if_needed(scope, false);
        handle
    })
}

/// A closure, and the channel to the thread that waits for its value. The order matters: fields are dropped in the order of
/// their declaration, and the thread goes on when the channel is dropped. (The order of a closure's captures is not
/// specified.)
struct Blocking<F, R> {
    f: F,
    sender: mpsc::SyncSender<Result<R, crate::panic::Panic>>,
}

impl<R, F: FnOnce(&Runtime) -> R> Blocking<F, R> {
    fn run(self) {
        let Blocking { f, sender } = self;
        let ended = catch(AssertUnwindSafe(|| f(&ocaml_runtime())));
        // The receiver waits.
        let _ = sender.send(ended);
    }
}
