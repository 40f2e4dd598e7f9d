//! [`run_blocking_in_ocaml`]: OCaml functions that block, on OCaml threads that are there for them.
//!
//! 1. The arguments are converted at home, and so is the result: on the blocking thread nothing of the user's runs but the function.
//! 2. The function and its arguments travel as one OCaml block, behind one root. The root is gone before the function
//!    begins: so when the answer comes, nothing of the call is alive.
//! 3. A call whose future is gone is not begun. One that has begun ends unheard.
//! 4. Whatever becomes of a call (its thread was refused, the function ended its thread, the executor shuts down), its future
//!    ends: with the answer, or by [`Answer`](super::answer::Answer)'s destructor.

use std::sync::Arc;

use super::awaited::{Awaitable, Awaited, Begun, PollScope, Remembered};
use super::func::{Function, OCamlFunc, convert_arguments};
use super::promise::PromiseFuture;
use crate::arguments::IntoArguments;
use crate::caml::Root;
use crate::caml::alloc::Block;
use crate::conversion::FromOCaml;
use crate::error::Error;

/// Runs an OCaml function that blocks, such as one that reads a file or sleeps, on a thread that is there for such functions,
/// while Lwt goes on. The future may be awaited on any thread; it begins at its first poll, and is `Send` when the arguments
/// and the value are.
///
/// The thread is one of OCaml's, made by `Thread.create`. It holds the runtime lock while it runs OCaml code. Other threads
/// run while it blocks in a function that releases the lock, as `Unix`'s functions and those of channels do. A function that
/// computes has the lock to itself for 50 ms at a time, and then Lwt has its turn. Like any thread that does not run Lwt, it
/// must leave promises and keys (`Lwt.get`) alone. A `#[func]` that it calls raises `Rust_async.Misuse`.
///
/// There are 512 such threads at most, and each stays for 10 seconds when it has nothing to do.
/// [`runtime::Config`](crate::runtime::Config) changes that: the numbers are those of Tokio's threads for code that blocks.
/// Further calls wait for their turn.
///
/// While there are such calls, `Lwt_main.run` offers the lock at the beginning of each turn. So beside a loop that never
/// sleeps, they do not wait for OCaml's 50 ms. A main loop that runs none of Lwt's hooks (lwt_eio's) offers the lock only
/// when it sleeps. If it is busy all the time, it releases the lock for a moment in each turn of its engine: mostly, but not
/// always, that is enough.
///
/// Dropping the future before the function has begun keeps it from beginning. A function that has begun runs to its end, and
/// its value is dropped.
///
/// ```
/// use ocaml_lwt_interop::{Error, OCamlFunc, run_blocking_in_ocaml};
///
/// /// Calls a function that sleeps, say, from a Tokio thread.
/// #[ocaml_lwt_interop::func(tokio)]
/// pub async fn without_blocking_lwt(f: OCamlFunc<(isize,), isize>) -> Result<isize, Error> {
///     run_blocking_in_ocaml(&f, (20,)).await
/// }
/// ```
///
/// # Errors
/// - The exception that the function raised: the same one, with its backtrace.
/// - Its value does not convert, or the conversion of an argument panicked.
/// - Misuse, when it called `Thread.exit`.
/// - The system refused the first thread.
/// - A broken promise, when the executor has shut down.
pub fn run_blocking_in_ocaml<Args, Ret>(
    function: &OCamlFunc<Args, Ret>,
    arguments: Args,
) -> BlockingFuture<Args, Ret>
where
    Args: IntoArguments + 'static,
    Ret: FromOCaml + 'static,
{
    let (home, function) = function.parts();
    let call = BlockingCall {
        function,
        arguments,
    };
    PromiseFuture::new(home, true, call)
}

/// The future of [`run_blocking_in_ocaml`].
///
/// ```
/// use std::time::Duration;
///
/// use ocaml_lwt_interop::{Error, OCamlFunc, func::BlockingFuture, run_blocking_in_ocaml};
///
/// /// Whether `f` ends within so many milliseconds. It runs to its end in any case.
/// #[ocaml_lwt_interop::func]
/// pub async fn ends_within(f: OCamlFunc<(), ()>, milliseconds: u16) -> Result<bool, Error> {
///     let call: BlockingFuture<(), ()> = run_blocking_in_ocaml(&f, ());
///     match tokio::time::timeout(Duration::from_millis(milliseconds.into()), call).await {
///         Ok(ended) => ended.map(|()| true),
///         Err(_) => Ok(false),
///     }
/// }
/// ```
pub type BlockingFuture<Args, Ret> = PromiseFuture<Ret, BlockingCall<Args>>;

/// A call to be made.
#[doc(hidden)]
pub struct BlockingCall<Args> {
    function: Arc<Function>,
    arguments: Args,
}

impl<Args: IntoArguments + 'static> Awaitable for BlockingCall<Args> {
    const CALLS: bool = true;

    fn storage(&self) -> Remembered {
        Remembered(self.function.storage.clone())
    }

    fn begin(self, scope: PollScope<'_>) -> Result<Begun, Error> {
        let values = convert_arguments(scope.0, self.arguments)?;
        let arguments = values.as_ref();
        let access = scope.0.access();
        let mut call = Block::alloc(access, 1 + arguments.len(), 0);
        call.push(access, &self.function.root.value(access));
        for argument in arguments {
            call.push(access, argument);
        }
        let call = Root::of(access, &call.end());
        Ok(Begun(Awaited::BlockingCall(call)))
    }
}
