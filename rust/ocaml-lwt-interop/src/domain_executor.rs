//! The executor of an OCaml domain, as users reach it: from the domain thread with [`spawn`], [`spawn_local`] and
//! [`ocaml_runtime`], from every other thread with a [`Handle`].

use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::sync::mpsc;

use ocaml::{Runtime, ToValue};

use crate::caml::{self, Callback, Root};
use crate::ending::Ending;
use crate::error::Error;
use crate::executor::task::{self, TaskCell};
use crate::executor::{AtHome, Home, Key, Runnable, Scope, lifetime, start};
use crate::panic::catch;
use crate::promise::Promise;
use crate::rust_to_lwt::output::Settled;
use crate::rust_to_lwt::settle::SettlePromise;

pub use crate::executor::join::JoinHandle;
pub use crate::executor::tick::Budget;
pub use crate::lwt_to_rust::guest::run_blocking_in_ocaml;
pub use crate::runtime::tokio_rt;

/// The executor of the domain thread that this is. Stays on its thread; [`DomainExecutor::handle`] gives what may leave.
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

    /// What other threads use.
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

    /// Runs a closure on the domain thread and blocks for its value; from any other thread: a task or a blocking call of
    /// Tokio's, another pool's thread, a plain one. The closure may borrow. (An OCaml thread must release the runtime lock
    /// first, or home can never run.)
    ///
    /// What home waits for must not call it: home may wait for a blocking task of a Tokio runtime that is dropped there, say.
    ///
    /// # Errors
    /// Called at home, where it would wait for itself; the closure panicked; the executor has shut down.
    pub fn run_blocking<R: Send>(&self, f: impl FnOnce(&Runtime) -> R + Send) -> Result<R, Error> {
        if self.is_home() {
            return Err(Error::misuse(
                "Handle::run_blocking or run_in_ocaml_domain was called on the domain thread, which would wait for \
                 itself for ever: call the closure directly, or use Handle::call and await it",
            ));
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let job = Blocking { f, sender };
        let job: Box<dyn FnOnce(&Scope) + Send + '_> = Box::new(move |_scope: &Scope| job.run());
        // SAFETY: the closure may borrow from this frame, which is left only when `f` has been called or dropped: the
        // channel says so, since `Blocking` gives up its sender after `f`
        let job: Box<dyn FnOnce(&Scope) + Send + 'static> = unsafe { std::mem::transmute(job) };
        self.home.queue_anywhere(Runnable::Job(job));
        let received = match AtHome::here() {
            // On a domain thread that is not this home: the lock is held, and home's next collection would wait for it.
            Some(at) if at.in_scope() && !caml::lock_was_released() => {
                // SAFETY: in a scope the lock is held; a channel is none of OCaml's
                unsafe { caml::without_lock(|| receiver.recv()) }
            }
            _ => receiver.recv(),
        };
        match received {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(panic)) => Err(Error::from_panic(panic)),
            Err(mpsc::RecvError) => Err(Error::broken_promise()),
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

/// The executor of the domain that `runtime` was given for, in a `#[ocaml::func]`, say; started if need be.
///
/// # Panics
/// On a thread that does not run Lwt.
pub fn handle_from_runtime(_runtime: &Runtime) -> Handle {
    Handle {
        home: here_or_start().home(),
    }
}

fn here_or_start() -> AtHome {
    AtHome::here()
        .filter(|_| lifetime::status() == lifetime::Status::Running)
        .or_else(start::start_here)
        .expect(
            "the bridge was used on a thread that does not run Lwt, or after it was shut down: \
         call it from the main thread, or send work there with a Handle",
        )
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

/// As [`spawn_local`], where there may be no executor yet: in a `#[ocaml::func]`, whose `runtime` shows that it is OCaml
/// that calls. The task is first polled in the loop's next turn.
///
/// # Panics
/// On a thread that does not run Lwt.
pub fn spawn_with_runtime<F: Future + 'static>(
    runtime: &Runtime,
    future: F,
) -> JoinHandle<F::Output> {
    with_scope_of(runtime, |scope| {
        let handle = JoinHandle::new(scope.home(), |join| {
            task::spawn_local(scope.at(), future, join)
        });
        scope.home().arm_if_needed(scope, false);
        handle
    })
}

/// Runs a future as the body of a `#[func]` runs: polled once, here and now, and then as a task. Gives the promise that
/// it settles, for OCaml. Cancelling the promise drops the future.
///
/// # Panics
/// On a thread that does not run Lwt, and when OCaml raises an asynchronous exception (`Sys.Break`) meanwhile.
pub fn spawn_lwt<T, F>(runtime: &Runtime, future: F) -> Promise<T>
where
    T: ToValue + 'static,
    F: Future<Output = Result<T, Error>> + 'static,
{
    with_lwt_scope_of(runtime, "a Lwt promise was asked for", |scope| {
        let home = scope.home();
        let ending = |output: Result<T, Error>| {
            Ending::from(output).map(|value| Ending::Value(Settled::Value(value)))
        };
        let task = TaskCell::<F, SettlePromise<_>>::eager(scope.at(), future);
        let first = task.poll_first(scope);
        let key = if first.is_pending() {
            task.register(scope)
        } else {
            Key::NONE
        };
        let mut arguments = [caml::int(key.to_int()), caml::bool(first.is_pending())];
        // SAFETY: `int -> bool -> 'a Lwt.t * 'a Lwt.u`; the pair is read before anything can allocate
        let (promise, resolver) = unsafe {
            let Ok(pair) = home.call(scope, Callback::Pending, &mut arguments) else {
                panic!("OCaml raised an exception while a promise was made");
            };
            (
                Root::new(caml::field(pair, 0)),
                Root::new(caml::field(pair, 1)),
            )
        };
        match first {
            std::task::Poll::Ready(ready) => {
                crate::rust_to_lwt::settle::settle(scope, resolver, ready.map(ending));
            }
            std::task::Poll::Pending => {
                task.set_completion(scope, SettlePromise { resolver, ending });
                task.suspend(scope);
            }
        }
        home.arm_if_needed(scope, false);
        // SAFETY: a promise
        unsafe { Promise::from_root(promise, home) }
    })
}

/// OCaml's runtime, as ocaml-rs's functions want to see it, for as long as this is not awaited across.
///
/// Stays on its thread.
#[derive(Debug)]
pub struct OCamlRuntime {
    home: &'static Home,
    not_send: PhantomData<*const ()>,
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Home")
    }
}

impl OCamlRuntime {
    /// In the scope whose proof this is.
    pub(crate) fn with_scope<R>(&self, f: impl FnOnce(&Scope) -> R) -> R {
        Scope::with_current(self.home, f)
            .expect("an OCamlRuntime was kept longer than the #[func] or task it is for")
    }
}

impl Deref for OCamlRuntime {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        // SAFETY: made where the lock is held, and it stays on that thread
        unsafe { Runtime::recover_handle() }
    }
}

/// OCaml's runtime: in a `#[func]`, in a task, in a closure that was sent home.
///
/// # Panics
/// Elsewhere: on other threads, and in OCaml finalisers.
pub fn ocaml_runtime() -> OCamlRuntime {
    let at = AtHome::here().filter(|at| at.may_call_ocaml()).expect(
        "ocaml_runtime() was called where OCaml values cannot be touched: \
         send a closure to the domain thread with Handle::call",
    );
    OCamlRuntime {
        home: at.home(),
        not_send: PhantomData,
    }
}

/// A scope for somebody who has ocaml-rs's proof that OCaml called.
pub(crate) fn with_scope_of<R>(_runtime: &Runtime, f: impl FnOnce(&Scope) -> R) -> R {
    let at = here_or_start();
    // SAFETY: a `&Runtime` is ocaml-rs's proof that OCaml called and holds the lock
    let scope = unsafe { Scope::enter(at) };
    f(&scope)
}

/// As [`with_scope_of`], where Lwt runs. `what` is for the message.
///
/// # Panics
/// On other threads, worker domains included.
pub(crate) fn with_lwt_scope_of<R>(
    runtime: &Runtime,
    what: &str,
    f: impl FnOnce(&Scope) -> R,
) -> R {
    with_scope_of(runtime, |scope| {
        assert!(
            scope.home().is_lwt(),
            "{what} on a worker domain, where Lwt does not run and nobody could wait for it: send a closure to the thread \
             that runs Lwt with Handle::call"
        );
        f(scope)
    })
}

pub(crate) fn try_with_scope_of<R>(
    _runtime: &Runtime,
    home: &'static Home,
    f: impl FnOnce(&Scope) -> R,
) -> Result<R, Error> {
    let Some(at) = AtHome::of(home) else {
        return Err(Error::misuse(
            "an OCamlFunc was called on a thread that is not its home, where OCaml values cannot be touched: \
             call it in a closure that Handle::call runs at home",
        ));
    };
    // SAFETY: a `&Runtime` is ocaml-rs's proof that OCaml called and holds the lock
    let scope = unsafe { Scope::enter(at) };
    Ok(f(&scope))
}

/// [`Handle::run_blocking`], as a function.
///
/// # Errors
/// As there.
pub fn run_in_ocaml_domain<R: Send>(
    handle: &Handle,
    f: impl FnOnce(&Runtime) -> R + Send,
) -> Result<R, Error> {
    handle.run_blocking(f)
}

/// A closure, and then, in this order, whom its value is sent to. (Fields are dropped in the order of their declaration;
/// that of a closure's captures is not specified.)
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
