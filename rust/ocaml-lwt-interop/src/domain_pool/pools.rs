//! The pools of the process, and the executors of domains that have ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::job::Job;
use super::queue::Pool;
use crate::error::Error;
use crate::executor::end::guarded;
use crate::executor::start;
use crate::home::{Home, Scope};
use crate::lock::Mutex;

/// The pools that have not ended, by the number that OCaml knows them by. A number is used once.
static POOLS: Mutex<Pools> = Mutex::new(Pools {
    created: 0,
    pools: Vec::new(),
    spare: Vec::new(),
});

struct Pools {
    created: usize,
    pools: Vec<(usize, Arc<Pool>)>,
    /// Executors of domains that have ended, for the next ones.
    spare: Vec<&'static Home>,
}

/// Under the lock nothing is made, woken or dropped. Where it cannot be had, in the child of a `fork`, there are no pools.
fn with_pools<R: Default>(f: impl FnOnce(&mut Pools) -> R) -> R {
    POOLS
        .lock()
        .map_or_else(R::default, |mut pools| f(&mut pools))
}

/// Those that have not ended.
fn all_pools() -> Vec<Arc<Pool>> {
    with_pools(|pools| pools.pools.iter().map(|(_, pool)| pool.clone()).collect())
}

/// A pool for `domains` workers, which OCaml is about to start. `Err` is a message. Where Lwt runs.
pub(crate) fn create(domains: usize) -> Result<usize, String> {
    let mut homes = Vec::with_capacity(domains);
    for _ in 0..domains {
        let spare = with_pools(|pools| pools.spare.pop());
        match spare.map_or_else(start::new_worker_home, Ok) {
            Ok(home) => homes.push(home),
            Err(message) => {
                with_pools(|pools| pools.spare.append(&mut homes));
                return Err(message);
            }
        }
    }
    let pool = Pool::new(homes);
    Ok(with_pools(|pools| {
        pools.created += 1;
        pools.pools.push((pools.created, pool));
        pools.created
    }))
}

/// The pool of this number; one that has ended is like one that was shut down.
pub(crate) fn find(number: usize) -> Arc<Pool> {
    let found = with_pools(|pools| {
        let of_number = pools.pools.iter().find(|(n, _)| *n == number);
        of_number.map(|(_, pool)| pool.clone())
    });
    found.unwrap_or_else(Pool::ended)
}

/// A pool whose domains are gone: its executors serve again. Where Lwt runs.
pub(crate) fn forget(number: usize) {
    let homes = find(number).homes();
    with_pools(|pools| {
        pools.pools.retain(|(n, _)| *n != number);
        pools.spare.extend(homes);
    });
}

/// At the end of the bridge: nothing is begun any more, jobs that have not begun are broken promises, and those that await
/// Rust are woken to be told that there is nothing to come. [`wait_for_all`] then waits for the workers.
pub(crate) fn shutdown_all(scope: &Scope) {
    for pool in all_pools() {
        refuse_all(scope, pool.close(true), Error::broken_promise);
    }
}

/// No panic of a destructor or a waker of the user's keeps it from the rest.
pub(super) fn refuse_all(scope: &Scope, jobs: Vec<Arc<dyn Job>>, error: impl Fn() -> Error) {
    for job in jobs {
        guarded(scope, || job.refuse(error()));
    }
}

/// Waits until every worker domain has dropped what it has, at most so long; gives the time that is left. Without the runtime
/// lock.
pub(crate) fn wait_for_all(timeout: Duration) -> Duration {
    let deadline = Instant::now() + timeout;
    for pool in all_pools() {
        pool.wait(deadline);
    }
    deadline.saturating_duration_since(Instant::now())
}
