//! Performs Rust's nodes of a plan.

use std::future::{Future, pending};
use std::pin::Pin;
use std::time::Duration;

use futures_lite::StreamExt;
use futures_lite::future::{or, yield_now};
use ocaml_lwt_interop::{
    DomainPool, Error, FromOCaml, Handle, LwtStream, OCamlAsyncFunc, OCamlFunc, Promise, Provided,
    handle, ocaml_runtime, run_blocking_in_ocaml, tokio_rt,
};

use crate::counts::{Probe, nobody_hears};
use crate::hosted::Performs;
use crate::met::Met;
use crate::plain_thread::{awaited, spawn_on_a_thread};
use crate::plan::*;

pub type Ended = Result<Value, Error>;
pub type Running<'a> = Pin<Box<dyn Future<Output = Ended> + Send + 'a>>;

/// OCaml's half: functions that perform its nodes.
#[derive(Clone, Debug, FromOCaml)]
pub struct Env {
    start: OCamlAsyncFunc<(InOcaml,), Value>,
    promised: OCamlFunc<(InOcaml,), Promise<Value>>,
    now: OCamlFunc<(InOcaml,), Value>,
    on_a_thread: OCamlFunc<(InOcaml,), Value>,
    on_a_worker: OCamlFunc<(InOcaml,), Value>,
    lwt_stream: OCamlFunc<(LwtItems,), LwtStream<isize>>,
    workers: Option<DomainPool>,
    pub performs: Provided<dyn Performs>,
}

/// The exception that Rust declares.
#[derive(ocaml_lwt_interop::Exception)]
pub struct Declared {
    number: isize,
}

#[derive(Clone, Debug)]
pub struct Run {
    pub env: Env,
    pub home: Handle,
}

fn only<T>(mut nodes: Vec<T>) -> T {
    assert_eq!(nodes.len(), 1, "a node of one part");
    nodes.remove(0)
}

impl Run {
    pub fn here(env: Env) -> Run {
        Run {
            env,
            home: handle(),
        }
    }

    pub fn all(self, nodes: Vec<InRust>) -> Running<'static> {
        self.run(only(nodes))
    }

    pub fn run(self, node: InRust) -> Running<'static> {
        Box::pin(async move {
            let mut met = Met::new(&node);
            let ended = self.perform(node).await;
            met.ended(&ended);
            ended
        })
    }

    fn perform(self, node: InRust) -> Running<'static> {
        Box::pin(async move {
            match node {
                InRust::Give(value) => Ok(value),
                InRust::Fail(n) => Err(Error::msg(format!("planned error {n}"))),
                InRust::Declared(n) => Err(Declared { number: n }.into()),
                InRust::Panic(n) => panic!("planned panic {n}"),
                InRust::Stall => pending().await,
                InRust::Yields(n) => {
                    for _ in 0..n {
                        yield_now().await;
                    }
                    Ok(Value::Nothing)
                }
                InRust::Timer(n) => {
                    tokio::time::sleep(Duration::from_micros(100 * n as u64)).await;
                    Ok(Value::Nothing)
                }
                InRust::Then(nodes) => {
                    let mut last = Value::Nothing;
                    for node in nodes {
                        last = self.clone().run(node).await?;
                    }
                    Ok(last)
                }
                InRust::Recover(mut nodes) => {
                    let otherwise = nodes.pop().expect("a node of two parts");
                    match self.clone().all(nodes).await {
                        Ok(value) => Ok(value),
                        Err(_) => self.run(otherwise).await,
                    }
                }
                InRust::Finally(mut nodes) => {
                    let behind = nodes.pop().expect("a node of two parts");
                    let ended = self.clone().all(nodes).await;
                    let _ = self.run(behind).await;
                    ended
                }
                InRust::Select(nodes) => {
                    let mut first: Running = Box::pin(pending());
                    for node in nodes {
                        first = Box::pin(or(first, self.clone().run(node)));
                    }
                    first.await
                }
                InRust::Timeout(n, nodes) => {
                    let time = Duration::from_micros(100 * n as u64);
                    match tokio::time::timeout(time, self.all(nodes)).await {
                        Ok(ended) => ended,
                        Err(_) => Ok(Value::Late),
                    }
                }
                InRust::Task(place, join, nodes) => self.task(place, join, nodes).await,
                InRust::Ocaml(way, nodes) => self.ocaml(way, only(nodes)).await,
                InRust::ReadLwt(items) => self.read(items).await,
            }
        })
    }

    /// A task in its place.
    async fn task(self, place: Place, join: Join, nodes: Vec<InRust>) -> Ended {
        let (home, at_home) = (self.home, place == Place::AtHome);
        // One that is awaited is part of this task, wherever it runs.
        let stays = at_home && join != Join::Awaited;
        let body = async move {
            let _probe = Probe::new(stays);
            self.all(nodes).await
        };
        if at_home {
            return match join {
                Join::Awaited => body.await,
                Join::Joined => home.spawn(body).await?,
                Join::Aborted => {
                    let task = home.spawn(body);
                    task.abort();
                    task.await?
                }
                Join::LetGo => {
                    home.spawn(async move {
                        let ended = tokio::task::unconstrained(Caught(Box::pin(body))).await;
                        if let Err(panic) = ended {
                            nobody_hears();
                            std::panic::resume_unwind(panic);
                        }
                    })
                    .detach();
                    Ok(Value::Nothing)
                }
            };
        }
        let task = match place {
            Place::OnTokio | Place::AtHome => tokio_rt().spawn(body),
            Place::OnAThread => spawn_on_a_thread(body),
            Place::InTheBlockingPool => {
                tokio_rt().spawn_blocking(move || tokio_rt().block_on(body))
            }
        };
        match join {
            Join::LetGo => Ok(Value::Nothing),
            Join::Aborted => {
                task.abort();
                match task.await {
                    Ok(ended) => ended,
                    Err(error) if error.is_cancelled() => Err(Error::broken_promise()),
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                }
            }
            Join::Awaited | Join::Joined => awaited(task).await,
        }
    }

    async fn ocaml(self, way: Way, node: InOcaml) -> Ended {
        let Run { env, home } = self;
        match way {
            Way::Function => env.start.call((node,)).await,
            Way::ProtectedFunction => env.start.call((node,)).protected().await,
            Way::Promise => env.promised.call_async((node,)).await?.await,
            Way::ProtectedPromise => env.promised.call_async((node,)).await?.protected().await,
            Way::CallAsync => env.now.call_async((node,)).await,
            Way::Call if home.is_home() => env.now.call(&ocaml_runtime(), (node,)),
            Way::Call | Way::Closure => {
                home.call(move |runtime| env.now.call(runtime, (node,)))
                    .await?
            }
            Way::RunBlocking => {
                let blocking = tokio_rt().spawn_blocking(move || {
                    home.run_blocking(|runtime| env.now.call(runtime, (node,)))
                });
                blocking.await??
            }
            Way::OnABlockingThread => run_blocking_in_ocaml(&env.on_a_thread, (node,)).await,
            Way::OnAWorkerDomain => match &env.workers {
                Some(workers) => workers.call(&env.on_a_worker, (node,)).await,
                None => env.now.call_async((node,)).await,
            },
            Way::Interface => env.performs.perform(node).await,
            Way::InterfaceBlocks => env.performs.perform_now(node),
        }
    }

    /// Reads OCaml's stream: every item, in order.
    async fn read(self, items: LwtItems) -> Ended {
        let (count, reader, window) = (items.lwt_items, items.rust_reader, items.lwt_window);
        let stream = if items.by_interface {
            self.env.performs.lwt_items(items).await?
        } else {
            self.env.lwt_stream.call_async((items,)).await?
        };
        let mut stream = stream.window(window as usize);
        let limit = match reader {
            Reader::ToTheEnd => isize::MAX,
            Reader::Closes(n) | Reader::LetsGo(n) => n,
        };
        let mut read = 0;
        while read < limit {
            match stream.next().await {
                Some(Ok(item)) if item == read && read < count => read += 1,
                Some(Ok(item)) => {
                    return Err(Error::msg(format!("item {read} of {count} is {item}")));
                }
                Some(Err(error)) => return Err(error),
                None if read == count => return Ok(Value::Int(read)),
                None => {
                    return Err(Error::msg(format!(
                        "the end came after {read} of {count} items"
                    )));
                }
            }
        }
        Ok(Value::Int(read))
    }
}

/// A future whose panic is its output.
struct Caught(Running<'static>);

impl Future for Caught {
    type Output = std::thread::Result<Ended>;

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let future = &mut self.0;
        let poll = std::panic::AssertUnwindSafe(|| future.as_mut().poll(context));
        match std::panic::catch_unwind(poll) {
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Ok(std::task::Poll::Ready(ended)) => std::task::Poll::Ready(Ok(ended)),
            Err(panic) => std::task::Poll::Ready(Err(panic)),
        }
    }
}
