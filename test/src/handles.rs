//! The handles of the domain executor, from every place; see `../test_handles.ml`.

use futures_lite::future::{pending, poll_once, yield_now};
use ocaml_lwt_interop::domain_executor::{DomainExecutor, spawn_lwt, spawn_with_runtime};
use ocaml_lwt_interop::{
    Error, FromOCaml, Handle, OCamlFunc, Promise, handle, ocaml_runtime, spawn, spawn_local,
};

use crate::endings::yield_if;
use crate::matrix::ProbeError;
use crate::probe::{Place, probe};

/// What a task does.
#[derive(Clone, Copy, Debug, FromOCaml)]
#[ocaml(name = "task_does")]
pub enum Does {
    Return,
    Fail,
    Panic,
    Never,
}

async fn body(does: Does, yields: bool) -> Result<isize, Error> {
    yield_if(yields).await;
    match does {
        Does::Return => Ok(7),
        Does::Fail => Err(ProbeError::new().into()),
        Does::Panic => panic!("the task panicked"),
        Does::Never => pending().await,
    }
}

/// A task at home, spawned from a place and awaited there.
#[ocaml_lwt_interop::func]
pub async fn handles_spawn(place: Place, does: Does, yields: bool) -> Result<isize, Error> {
    let home = handle();
    let spawns = async move { home.spawn(probe(Place::Domain, body(does, yields))).await? };
    place.run(spawns).await
}

/// A task at home whose handle is dropped at once.
#[ocaml_lwt_interop::func]
pub async fn handles_detach(place: Place, done: OCamlFunc<(), ()>) {
    let home = handle();
    let task = probe(Place::Domain, async move {
        yield_now().await;
        done.call(&ocaml_runtime(), ()).expect("it raises nothing");
    });
    place.run(async move { drop(home.spawn(task)) }).await;
}

/// A closure that is sent home.
#[ocaml_lwt_interop::func]
pub async fn handles_call(
    place: Place,
    function: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
    let home = handle();
    place
        .run(async move { home.call(move |gc| function.call(gc, (6,))).await? })
        .await
}

#[ocaml_lwt_interop::func]
pub async fn handles_call_that_panics(place: Place) -> Result<isize, Error> {
    let home = handle();
    place
        .run(async move { home.call(|_| panic!("the closure panicked")).await })
        .await
}

/// `spawn` and `handle` find the handle that was entered.
#[ocaml_lwt_interop::func]
pub async fn handles_enter(place: Place) -> Result<isize, Error> {
    let home = handle();
    place
        .run(async move {
            let task = {
                let _outer = home.enter();
                let _inner = handle().enter();
                spawn(body(Does::Return, true))
            };
            task.await?
        })
        .await
}

/// What dropping the outer guard first says.
#[ocaml_lwt_interop::func]
pub fn handles_guards_in_the_wrong_order() -> Option<String> {
    let home = handle();
    let (outer, inner) = (home.enter(), home.enter());
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(outer)));
    drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(
        || drop(inner),
    )));
    dropped.err()?.downcast_ref::<String>().cloned()
}

#[ocaml_lwt_interop::func]
pub async fn handles_is_home(place: Place) -> bool {
    let home: Handle = handle();
    place.run(async move { home.is_home() }).await
}

/// An `OCamlFunc` that is called elsewhere, by somebody who claims to hold the lock.
#[ocaml_lwt_interop::func]
pub async fn handles_function_elsewhere(
    place: Place,
    function: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
    place
        .run(async move {
            // SAFETY: not what it asks for: that is what the law is about; nothing is touched
            let runtime = unsafe { ocaml::Runtime::recover_handle() };
            function.call(runtime, (6,))
        })
        .await
}

/// A promise for OCaml that is made of a future.
#[ocaml_lwt_interop::func]
pub fn handles_lwt(does: Does, yields: bool) -> Promise<isize> {
    spawn_lwt(&ocaml_runtime(), probe(Place::Domain, body(does, yields)))
}

#[ocaml_lwt_interop::func]
pub async fn handles_with_runtime(does: Does, yields: bool) -> Result<isize, Error> {
    let task = spawn_with_runtime(&ocaml_runtime(), body(does, yields));
    task.await?
}

/// The number of tasks, without this function's own, which is not registered yet.
#[ocaml_lwt_interop::func]
pub fn handles_live_tasks() -> isize {
    let executor = DomainExecutor::current().expect("this is the domain thread");
    executor.live_tasks() as isize
}

/// Aborts a task that has ended, and then awaits it.
#[ocaml_lwt_interop::func]
pub async fn handles_abort_after_the_end() -> Result<isize, Error> {
    let task = spawn_local(async { 7 });
    while !task.is_finished() {
        yield_now().await;
    }
    task.abort();
    task.await
}

/// Polls a future in one place, and awaits it in another.
#[ocaml_lwt_interop::func]
pub async fn handles_move(
    first: Place,
    then: Place,
    promise: Promise<isize>,
    polled: OCamlFunc<(), ()>,
) -> Result<isize, Error> {
    let polls = async move {
        let mut future = promise.into_future();
        let polled = poll_once(&mut future).await;
        (future, polled)
    };
    let (future, early) = first.run(polls).await;
    polled.call(&ocaml_runtime(), ())?;
    match early {
        Some(early) => early,
        None => then.run(future).await,
    }
}

/// Polls the handle of a task in one place, and awaits it in another.
#[ocaml_lwt_interop::func]
#[allow(clippy::async_yields_async)] // that is what it is about
pub async fn handles_move_task(first: Place, then: Place) -> Result<isize, Error> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let task = handle().spawn(async { receiver.await.expect("it is sent") });
    let polls = async move {
        let mut task = task;
        assert!(poll_once(&mut task).await.is_none());
        task
    };
    let task = first.run(polls).await;
    spawn_local(async {
        for _ in 0..3 {
            yield_now().await;
        }
        sender.send(7).expect("the task waits");
    })
    .detach();
    then.run(task).await
}
