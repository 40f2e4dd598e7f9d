//! What Lwt's keys are bound to follows a call; see `../test_keys.ml`.

use std::sync::Mutex;

use futures_core::Stream;
use futures_lite::StreamExt;
use futures_lite::future::{pending, yield_now};
use ocaml_lwt_interop::domain_executor::{spawn_lwt, spawn_with_runtime};
use ocaml_lwt_interop::{
    Error, FromOCaml, Handle, LwtStream, OCamlAsyncFunc, OCamlFunc, Promise, handle, ocaml_runtime,
    spawn_local,
};

use crate::probe::{Nap, Place, Wait};

/// How OCaml's code is called; `way` in `test_keys.ml`.
#[derive(Clone, Copy, Debug, FromOCaml)]
pub enum Way {
    /// A function that returns a promise.
    Promise,
    /// A function that returns its value at once.
    Value,
    /// That one in a task at home.
    Task,
    /// In a closure at home.
    Closure,
    /// The function of a stream that Rust reads.
    Stream,
}

/// What gives the name of who asks.
#[derive(Clone, Debug, FromOCaml)]
pub struct Whoami {
    promise: OCamlAsyncFunc<(), String>,
    value: OCamlFunc<(), String>,
    stream: OCamlFunc<(), LwtStream<String>>,
}

impl Way {
    async fn ask(self, home: Handle, who: Whoami) -> Result<String, Error> {
        let value = who.value;
        match self {
            Way::Promise => who.promise.call(()).await,
            Way::Value => value.call_async(()).await,
            Way::Task => {
                home.spawn(async move { value.call_async(()).await })
                    .await?
            }
            Way::Closure => home.call(move |gc| value.call(gc, ())).await?,
            Way::Stream => {
                let mut names = who.stream.call_async(()).await?;
                // Those of the second batch are asked for when the stream has waited.
                let mut last = String::new();
                for _ in 0..20 {
                    last = names.next().await.expect("it has no end")?;
                }
                Ok(last)
            }
        }
    }
}

#[ocaml_lwt_interop::func]
pub async fn keys_at_home(
    way: Way,
    place: Place,
    wait: Wait,
    nap: Nap,
    who: Whoami,
) -> Result<String, Error> {
    wait.wait(&nap).await?;
    place.run(way.ask(handle(), who)).await
}

#[ocaml_lwt_interop::func(tokio)]
pub async fn keys_on_a_worker(
    way: Way,
    wait: Wait,
    nap: Nap,
    who: Whoami,
) -> Result<String, Error> {
    wait.wait(&nap).await?;
    way.ask(handle(), who).await
}

#[ocaml_lwt_interop::func(blocking)]
pub fn keys_on_the_blocking_pool(way: Way, who: Whoami) -> Result<String, Error> {
    futures_lite::future::block_on(way.ask(handle(), who))
}

/// A closure that borrows, at home, from a blocking call.
#[ocaml_lwt_interop::func(blocking)]
pub fn keys_blocking_closure(who: Whoami) -> Result<String, Error> {
    handle().run_blocking(|gc| who.value.call(gc, ()))?
}

/// A task that is not `Send`.
#[ocaml_lwt_interop::func]
pub async fn keys_local_task(who: Whoami) -> Result<String, Error> {
    spawn_local(async move {
        yield_now().await;
        who.value.call(&ocaml_runtime(), ())
    })
    .await?
}

/// Names, one for each time that the function is asked.
#[ocaml_lwt_interop::func]
pub fn keys_stream(who: Whoami, waits: bool) -> impl Stream<Item = Result<String, Error>> + use<> {
    futures_lite::stream::unfold(who, move |who| async move {
        if waits {
            yield_now().await;
        }
        Some((who.value.call_async(()).await, who))
    })
}

#[ocaml_lwt_interop::func(sync)]
pub fn keys_spawn_lwt(who: Whoami, waits: bool) -> Promise<String> {
    spawn_lwt(&ocaml_runtime(), async move {
        if waits {
            yield_now().await;
        }
        who.promise.call(()).await
    })
}

#[ocaml_lwt_interop::func(sync)]
pub fn keys_spawn_with_runtime(who: Whoami, tell: OCamlFunc<(String,), ()>) {
    spawn_with_runtime(&ocaml_runtime(), async move {
        let name = who.promise.call(()).await.expect("it raises nothing");
        tell.call(&ocaml_runtime(), (name,))
            .expect("it raises nothing");
    })
    .detach();
}

static KEPT: Mutex<Option<(Handle, Whoami)>> = Mutex::new(None);

/// Keeps the functions of this call.
#[ocaml_lwt_interop::func]
pub fn keys_keep(who: Whoami) {
    *KEPT.lock().unwrap() = Some((handle(), who));
}

#[ocaml_lwt_interop::func]
pub fn keys_let_go() {
    *KEPT.lock().unwrap() = None;
}

fn kept() -> (Handle, Whoami) {
    KEPT.lock().unwrap().clone().expect("it was kept")
}

/// Asks with the functions of another call.
#[ocaml_lwt_interop::func]
pub async fn keys_of_kept(way: Way, place: Place, waits: bool) -> Result<String, Error> {
    if waits {
        yield_now().await;
    }
    place
        .run(async move {
            let (home, who) = kept();
            way.ask(home, who).await
        })
        .await
}

#[ocaml_lwt_interop::func(tokio)]
pub async fn keys_of_kept_on_a_worker(way: Way) -> Result<String, Error> {
    let (home, who) = kept();
    way.ask(home, who).await
}

/// Asks in a destructor of the call's.
#[ocaml_lwt_interop::func]
pub async fn keys_when_dropped(who: Whoami, tell: OCamlFunc<(String,), ()>, waits: bool) {
    struct Asks(Whoami, OCamlFunc<(String,), ()>);
    impl Drop for Asks {
        fn drop(&mut self) {
            let name = self
                .0
                .value
                .call(&ocaml_runtime(), ())
                .expect("it raises nothing");
            self.1
                .call(&ocaml_runtime(), (name,))
                .expect("it raises nothing");
        }
    }
    let _asks = Asks(who, tell);
    yield_now().await;
    if waits {
        pending::<()>().await;
    }
}

/// Asks again after the function has raised.
#[ocaml_lwt_interop::func]
pub async fn keys_after_exceptions(
    raises: OCamlFunc<(), ()>,
    who: Whoami,
) -> Result<String, Error> {
    for _ in 0..3 {
        yield_now().await;
        raises.call_async(()).await.expect_err("it raises");
    }
    who.value.call_async(()).await
}

/// Asks again and again, in turns with everybody else.
#[ocaml_lwt_interop::func]
pub async fn keys_many_times(times: isize, who: Whoami) -> Result<String, Error> {
    let mut name = who.value.call_async(()).await?;
    for i in 0..times {
        if i % 3 == 0 {
            tokio::task::yield_now().await;
        } else {
            yield_now().await;
        }
        let now = if i % 2 == 0 {
            who.promise.call(()).await?
        } else {
            who.value.call(&ocaml_runtime(), ())?
        };
        if now != name {
            name = format!("{name}, and then {now}");
        }
    }
    Ok(name)
}
