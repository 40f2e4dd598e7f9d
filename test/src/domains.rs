//! Worker domains; see `../test_domains_5.ml` and `../test_pools_5.ml`.

use std::sync::Mutex;
use std::time::Duration;

use futures_lite::future::{pending, poll_once, yield_now};
use ocaml_lwt_interop::{
    DomainPool, Error, FromOCaml, Handle, OCamlAsyncFunc, OCamlFunc, OCamlValue, Promise, Stats,
    func, handle, ocaml_runtime, spawn_local,
};

use crate::matrix::ProbeError;
use crate::probe::{Place, probe};

/// Calls a function in the pool, from a place.
#[func]
pub async fn domains_call(
    pool: DomainPool,
    place: Place,
    function: OCamlFunc<(isize, String), String>,
    text: String,
) -> Result<String, Error> {
    place
        .run(async move { pool.call(&function, (7, text)).await })
        .await
}

/// Calls a function in the pool, in the body of a function that runs on Tokio's workers.
#[func(tokio)]
pub async fn domains_call_on_workers(
    pool: DomainPool,
    function: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
    tokio::task::yield_now().await;
    pool.call(&function, (1,)).await
}

/// The same on the blocking pool.
#[func(blocking)]
pub fn domains_call_on_blocking_pool(
    pool: DomainPool,
    function: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
    futures_lite::future::block_on(pool.call(&function, (1,)))
}

/// A value of any type crosses.
#[func]
pub async fn domains_pass(
    pool: DomainPool,
    function: OCamlFunc<(OCamlValue,), OCamlValue>,
    value: OCamlValue,
) -> Result<OCamlValue, Error> {
    pool.call(&function, (value,)).await
}

/// Many calls in flight from Tokio's workers; gives the sum of their values.
#[func]
pub async fn domains_call_many(
    pool: DomainPool,
    count: isize,
    function: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
    let calls: Vec<_> = (0..count)
        .map(|i| {
            let call = pool.call(&function, (i,));
            tokio::spawn(call)
        })
        .collect();
    let mut sum = 0;
    for call in calls {
        sum += call.await??;
    }
    Ok(sum)
}

/// Begins a call, from a place, and gives it up when told to.
#[func]
pub async fn domains_give_up(
    pool: DomainPool,
    place: Place,
    function: OCamlFunc<(), ()>,
    when: OCamlAsyncFunc<(), ()>,
) -> Result<(), Error> {
    place
        .run(async move {
            let mut call = pool.call(&function, ());
            assert!(
                poll_once(&mut call).await.is_none(),
                "the first poll is pending"
            );
            when.call(()).await?;
            drop(call);
            Ok(())
        })
        .await
}

#[func]
pub fn domains_count(pool: DomainPool) -> isize {
    pool.domains() as isize
}

/// What a function that is called on a worker domain does.
#[derive(Clone, Copy, Debug, FromOCaml)]
pub enum Does {
    Ready,
    Yields,
    Sleeps,
    #[ocaml(name = "Tokio_task")]
    TokioTask,
    #[ocaml(name = "Other_thread")]
    Thread,
    Fails,
    Panics,
    Never,
}

async fn body(does: Does, n: isize) -> Result<isize, Error> {
    match does {
        Does::Ready => {}
        Does::Yields => yield_now().await,
        Does::Sleeps => tokio::time::sleep(Duration::from_millis(1)).await,
        Does::TokioTask => tokio::spawn(yield_now()).await?,
        Does::Thread => {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            std::thread::spawn(|| sender.send(()));
            receiver.await?;
        }
        Does::Fails => {
            yield_now().await;
            return Err(ProbeError::new().into());
        }
        Does::Panics => {
            yield_now().await;
            panic!("the function panicked");
        }
        Does::Never => pending().await,
    }
    Ok(n)
}

/// Where the probe's place is the thread that calls, whichever that is.
#[func]
pub async fn domains_does(does: Does, n: isize) -> Result<isize, Error> {
    probe(Place::Domain, body(does, n)).await
}

#[func(tokio)]
pub async fn domains_on_workers(does: Does, n: isize) -> Result<isize, Error> {
    body(does, n).await
}

#[func(blocking)]
pub fn domains_blocking(n: isize) -> isize {
    n
}

/// A function that is called on a worker domain calls back there.
#[func]
pub async fn domains_calls_back(
    function: OCamlFunc<(isize,), isize>,
    promising: OCamlAsyncFunc<(isize,), isize>,
) -> Result<isize, Error> {
    yield_now().await;
    let n = function.call(&ocaml_runtime(), (1,))?;
    yield_now().await;
    promising.call((n,)).await
}

/// Awaits a promise where it is called.
#[func]
pub async fn domains_awaits(promise: Promise<isize>) -> Result<isize, Error> {
    promise.await
}

/// Asks for what only Lwt's thread has.
#[func]
pub fn domains_makes_a_promise() -> Result<Promise<isize>, Error> {
    let (promise, resolver) = Promise::new(&ocaml_runtime());
    resolver.resolve(1);
    Ok(promise)
}

/// A task of the worker domain itself, and a closure that is sent to it, by a Tokio task that the call awaits.
#[func]
pub async fn domains_handle(function: OCamlFunc<(isize,), isize>) -> Result<isize, Error> {
    let home: Handle = handle();
    assert!(home.is_home());
    let there = tokio::spawn(async move {
        assert!(!home.is_home());
        home.call(move |runtime| function.call(runtime, (1,)))
            .await?
    });
    let local = spawn_local(async {
        yield_now().await;
        2
    });
    Ok(there.await?? + local.await?)
}

/// Leaves a task on the domain that calls, which runs on when the job is over, and then waits for ever.
#[func]
pub fn domains_leaves_a_task(function: OCamlFunc<(isize,), ()>) {
    let task = async move {
        for n in 0..3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            function
                .call(&ocaml_runtime(), (n,))
                .expect("it raises nothing");
        }
        pending::<()>().await;
    };
    spawn_local(probe(Place::Domain, task)).detach();
}

/// A detached task of the domain that calls, which panics.
#[func]
pub fn domains_panics_detached() {
    spawn_local(async {
        yield_now().await;
        panic!("detached");
    })
    .detach();
}

/// The tasks of the domain that calls.
#[func]
pub fn domains_tasks() -> isize {
    // This one is not counted: it is ready at once.
    Stats::now().tasks as isize
}

/// What jobs find of the thread that runs Lwt.
static HOME: Mutex<Option<(Handle, OCamlFunc<(), isize>)>> = Mutex::new(None);

#[func]
pub fn domains_keep(function: OCamlFunc<(), isize>) {
    *HOME.lock().unwrap() = Some((handle(), function));
}

#[func]
pub fn domains_forget() {
    let kept = HOME.lock().unwrap().take();
    drop(kept);
}

/// A job blocks until the thread that runs Lwt has called the function.
#[func]
pub fn domains_blocks_for_home() -> Result<isize, Error> {
    let (home, function) = HOME.lock().unwrap().clone().expect("something was kept");
    home.run_blocking(move |runtime| function.call(runtime, ()))?
}

/// Leaves a task on the domain that calls, whose destructor spawns another one.
#[func]
pub fn domains_spawns_when_dropped() {
    struct Spawns;
    impl Drop for Spawns {
        fn drop(&mut self) {
            drop(spawn_local(probe(Place::Domain, async {})));
        }
    }
    spawn_local(async {
        let _spawns = Spawns;
        pending::<()>().await;
    })
    .detach();
}
