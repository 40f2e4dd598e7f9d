//! [`Stats`]: what is alive, for leak checks.

use crate::caml::live_roots;
use crate::caml::loan::live_loans;
use crate::home::AtHome;
use crate::objects::live_objects;

/// How much of the bridge is alive now. All numbers are zero when everything has ended and its handles are gone. OCaml reads
/// the same numbers with `Rust_async.stats`.
///
/// ```
/// use ocaml_lwt_interop::Stats;
///
/// /// Whether nothing is alive but this call.
/// #[ocaml_lwt_interop::func(sync)]
/// pub fn is_idle() -> bool {
///     Stats::now() == Stats::default()
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Tasks of this thread's executor that have not ended; zero on a thread without one.
    pub tasks: usize,
    /// Promises that Rust futures of this thread's executor await; zero on a thread without one.
    pub subscriptions: usize,
    /// OCaml values that handles keep alive: promises, resolvers, functions, exceptions. Known on the thread that runs Lwt;
    /// zero elsewhere.
    pub roots: usize,
    /// Objects of Rust's whose destructors have not run, in the whole process.
    pub objects: usize,
    /// Bigarrays with elements that are lent to Rust, in the whole process.
    pub loans: usize,
}

impl Stats {
    /// The numbers now; from any thread.
    pub fn now() -> Stats {
        let (tasks, subscriptions) = AtHome::here().map_or((0, 0), |at| {
            let local = at.home().local(at);
            (at.home().live_tasks(at), local.subscriptions.borrow().len())
        });
        Stats {
            tasks,
            subscriptions,
            roots: live_roots(),
            objects: live_objects(),
            loans: live_loans(),
        }
    }
}
