//! Worker domains (OCaml 5): OCaml functions that run in parallel to the thread that runs Lwt.
//!
//! `Rust_async.Domain_pool.create ~domains:n` starts them. `Rust_async.Domain_pool.detach` runs an OCaml function on one of
//! them, for OCaml. [`DomainPool::call`] does so for Rust. A pool comes from OCaml, as an argument:
//!
//! ```
//! use ocaml_lwt_interop::{DomainPool, Error, OCamlFunc};
//!
//! #[ocaml_lwt_interop::func]
//! pub async fn sum_of_two(pool: DomainPool, f: OCamlFunc<(isize,), isize>) -> Result<isize, Error> {
//!     let other = tokio::spawn({
//!         let (pool, f) = (pool.clone(), f.clone());
//!         async move { pool.call(&f, (1,)).await }
//!     });
//!     Ok(pool.call(&f, (2,)).await? + other.await??)
//! }
//! ```
//!
//! Each worker domain has an executor of its own. [`handle`](crate::handle) gives it, in a `#[func]` that is called there.
//!
//! A `#[func]` that is called on a worker domain gives a promise that is settled. While its future is pending, the stub runs
//! that executor, and parks with the runtime lock released. (Lwt runs on one domain only, so nobody could resolve a pending
//! promise here.) `Rust_async.Domain_pool.await` takes the value out of the promise.

// `job` is a call from its submission to its end; `queue` has a pool's jobs and who waits for one; `pools` are all of them;
// `worker` is what a worker domain does.

mod job;
mod queue;
mod pools;
pub(crate) mod worker;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::arguments::IntoArguments;
use crate::caml::lock::demand;
use crate::caml::{Live, convert};
use crate::conversion::declare::Type;
use crate::conversion::{FromOCaml, whole};
use crate::error::Error;
use crate::executor::ocaml_runtime::ocaml_runtime;
use crate::home::Scope;
use crate::lwt_to_rust::func::OCamlFunc;
use crate::rust_to_lwt::settled_call::canceled;
use crate::storage::{From, Storage};
use crate::values::{OCamlValue, WRONG_TYPE};
use job::{Job, JobCell};
use pools::refuse_all;
pub(crate) use pools::{create, find, forget, shutdown_all, wait_for_all};
pub(crate) use queue::Pool;

/// `Rust_async.Domain_pool.shutdown`: from now on the workers leave when nothing is left to do, or, with `cancel`, when what
/// they are at has ended. Ends when all have left.
pub(crate) async fn close(number: usize, cancel: bool) -> Result<(), Error> {
    // At the first poll, which is inside of the call.
    ocaml_runtime().with_scope(|scope| {
        if !scope.home().is_lwt() {
            return Err(Error::misuse(
                "Rust_async.Domain_pool.shutdown was called on a worker domain, which would wait for itself: call it on the \
                 thread that runs Lwt",
            ));
        }
        let refused = find(number).close(cancel);
        if !refused.is_empty() {
            let canceled = canceled(scope);
            refuse_all(scope, refused, || Error::from_exception(canceled.clone()));
        }
        Ok(())
    })?;
    let pool = find(number);
    poll_fn(|context| pool.poll_left(context)).await;
    Ok(())
}

/// `Rust_async.Domain_pool.detach`.
pub(crate) async fn detach(
    pool: DomainPool,
    function: OCamlFunc<(), OCamlValue>,
) -> Result<OCamlValue, Error> {
    pool.call(&function, ()).await
}

/// Worker domains, `Rust_async.Domain_pool.t`: where OCaml functions run in parallel to Lwt. Works on every thread.
///
/// It does not keep the domains running: `Rust_async.Domain_pool.shutdown` and the end of the program end them.
///
/// ```
/// use ocaml_lwt_interop::DomainPool;
///
/// /// How many domains there are in a pool.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn domains_of(pool: DomainPool) -> usize {
///     pool.domains()
/// }
/// ```
#[derive(Clone)]
pub struct DomainPool(Arc<Pool>);

convert! {
    // A record, whose first field is the number.
    from [] DomainPool, |value| demand("an OCaml domain pool was converted", |access| {
        let number = Live::of(access, &value).field(0).and_then(Live::int);
        DomainPool(find(number.expect(WRONG_TYPE) as usize))
    });
}

whole! {
    from [] DomainPool;
    declare [] DomainPool, |_types| Type::named("Rust_async.Domain_pool.t");
}

impl std::fmt::Debug for DomainPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DomainPool")
    }
}

impl DomainPool {
    /// Calls an OCaml function on one of the worker domains, when the future is first polled. May be called on any thread.
    /// Arguments and value are converted on that domain, in parallel to everything else.
    ///
    /// Dropping the future cancels the call. A call that has not begun never does. If the function awaits Rust
    /// (`Rust_async.Domain_pool.await`), `await` raises `Lwt.Canceled` there. Any other function runs to its end, and its
    /// value is dropped.
    ///
    /// # Errors
    /// - The exception that the function raised.
    /// - Its value does not convert, or the conversion of an argument panics.
    /// - Misuse: the pool was shut down, or the call is made in one of the pool's own jobs, which might all wait for one
    ///   another.
    /// - A broken promise, at the end of the bridge.
    /// - `Lwt.Canceled`, when the pool was shut down with `~cancel:true`.
    ///
    /// Whether a call is made in a job is known on the worker domain, and in the body of a `#[func(tokio)]` or
    /// `#[func(blocking)]` that the job called. It is not known in a task that these spawn. So when all workers of a pool
    /// wait for such tasks, they wait until they are cancelled.
    pub fn call<Args, Ret>(
        &self,
        function: &OCamlFunc<Args, Ret>,
        args: Args,
    ) -> PoolCall<Args, Ret>
    where
        Args: IntoArguments + Send + 'static,
        Ret: FromOCaml + Send + 'static,
    {
        PoolCall(Stage::Start {
            pool: self.0.clone(),
            function: function.clone(),
            args,
        })
    }

    /// How many worker domains there are: as many as the pool was made with, less those that have ended.
    pub fn domains(&self) -> usize {
        self.0.alive()
    }
}

/// The future of [`DomainPool::call`].
///
/// ```
/// use ocaml_lwt_interop::{DomainPool, Error, OCamlFunc, PoolCall};
///
/// /// `f 1`, on a worker domain.
/// #[ocaml_lwt_interop::func]
/// pub async fn on_a_domain(pool: DomainPool, f: OCamlFunc<(isize,), isize>) -> Result<isize, Error> {
///     let call: PoolCall<(isize,), isize> = pool.call(&f, (1,)); // nothing is called yet
///     call.await
/// }
/// ```
///
/// # Panics
/// When it is polled after it was ready.
#[must_use = "futures do nothing unless they are awaited"]
pub struct PoolCall<Args, Ret: Send + 'static>(Stage<Args, Ret>);

enum Stage<Args, Ret: Send + 'static> {
    /// Not polled yet.
    Start {
        pool: Arc<Pool>,
        function: OCamlFunc<Args, Ret>,
        args: Args,
    },
    /// Submitted.
    Waiting(Arc<Pool>, Arc<JobCell<Ret>>),
    Done,
}

// Nothing in it is pinned.
impl<Args, Ret: Send + 'static> Unpin for PoolCall<Args, Ret> {}

impl<Args, Ret> Future for PoolCall<Args, Ret>
where
    Args: IntoArguments + Send + 'static,
    Ret: FromOCaml + Send + 'static,
{
    type Output = Result<Ret, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match std::mem::replace(&mut self.0, Stage::Done) {
            Stage::Start {
                pool,
                function,
                args,
            } => {
                if worker::is_of(&pool) {
                    return Poll::Ready(Err(Error::misuse(
                        "a function was called in a pool by one of its own jobs, which may all wait for one another: call the \
                         function directly, or in a second pool",
                    )));
                }
                let storage = Storage::running().unwrap_or_else(|| function.storage());
                let job = JobCell::new(move |scope: &Scope| {
                    storage.bind(scope, From::Anywhere, || function.apply(scope, args))
                });
                // The waker is there before anybody can settle it: however fast the call is, the first poll is pending.
                let first = job.poll(context);
                debug_assert!(first.is_pending());
                self.0 = Stage::Waiting(pool.clone(), job.clone());
                if let Err(job) = pool.submit(job) {
                    job.refuse(Error::misuse(
                        "a function was called in a pool of worker domains that was shut down, where nothing runs any \
                         more: call it before Rust_async.Domain_pool.shutdown, or in a pool of its own",
                    ));
                }
                Poll::Pending
            }
            Stage::Waiting(pool, job) => {
                let polled = job.poll(context);
                if polled.is_pending() {
                    self.0 = Stage::Waiting(pool, job);
                }
                polled
            }
            Stage::Done => panic!("a PoolCall was polled after it was ready"),
        }
    }
}

impl<Args, Ret: Send + 'static> Drop for PoolCall<Args, Ret> {
    fn drop(&mut self) {
        if let Stage::Waiting(pool, job) = std::mem::replace(&mut self.0, Stage::Done) {
            if job.abandon() {
                pool.one_is_gone();
            }
        }
    }
}
