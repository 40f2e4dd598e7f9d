//! How users reach the executor of an OCaml domain: with [`spawn`], [`spawn_local`] and [`ocaml_runtime`] on the domain
//! thread, and with a [`Handle`] on every other thread.

use std::future::Future;

use ocaml::Runtime;

use crate::conversion::ToOCaml;
use crate::ending::Ending;
use crate::error::Error;
use crate::executor::ocaml_runtime::with_lwt_scope_of;
use crate::executor::task::TaskCell;
use crate::home::Key;
use crate::lwt_to_rust::promise::Promise;
use crate::rust_to_lwt::output::Settled;
use crate::rust_to_lwt::settle::{SettlePromise, pending, settle};
use crate::storage::Storage;

pub use crate::executor::join::JoinHandle;
pub use crate::executor::ocaml_runtime::{OCamlRuntime, ocaml_runtime};
pub use crate::handles::{
    DomainExecutor, ExecutorGuard, Handle, handle, spawn, spawn_local, spawn_with_runtime,
};
pub use crate::home::Budget;
pub use crate::lwt_to_rust::blocking_call::run_blocking_in_ocaml;
pub use crate::runtime::tokio_rt;

/// Runs a future as the body of a `#[func]` runs: polled once, here and now, and then as a task. Gives the promise that
/// it settles, for OCaml. Cancelling the promise drops the future.
///
/// # Panics
/// Where [`ocaml_runtime`] does, and on worker domains.
pub fn spawn_lwt<T, F>(runtime: &Runtime, future: F) -> Promise<T>
where
    T: ToOCaml + 'static,
    F: Future<Output = Result<T, Error>> + 'static,
{
    with_lwt_scope_of(runtime, "a Lwt promise was asked for", |scope| {
        let home = scope.home();
        let ending = |output: Result<T, Error>| {
            Ending::from(output).map(|value| Ending::Value(Settled::Value(value)))
        };
        let task = TaskCell::<F, SettlePromise<_>>::eager(scope.home(), scope.at(), future);
        let first = TaskCell::poll_first(&task, scope);
        let key = if first.is_pending() {
            task.any().register(scope)
        } else {
            Key::NONE
        };
        let Some((promise, resolver)) = pending(scope, key, first.is_pending()) else {
            if first.is_pending() {
                home.cancel(scope, key);
                task.into_any().suspend(scope);
            }
            panic!("OCaml raises an exception whenever a promise is made");
        };
        match first {
            std::task::Poll::Ready(ready) => {
                settle(scope, resolver, ready.map(ending));
            }
            std::task::Poll::Pending => {
                task.set_completion(scope, SettlePromise { resolver, ending });
                task.head().set_storage(scope, Storage::bound(scope));
                task.into_any().suspend(scope);
            }
        }
        home.arm_if_needed(scope, false);
        Promise::from_root(promise, home)
    })
}
