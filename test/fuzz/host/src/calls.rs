//! The host's calls of programs, from every place.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_lite::future::{or, yield_now};
use fuzz_host::counts::Probe;
use fuzz_host::hosted::{Caller, HostCall, HostCase, HostEnding, Patience, Performs, Seen, seen};
use fuzz_host::plan::{InOcaml, Value};
use fuzz_host::run::{Ended, Env, Run, Running};
use fuzz_host::{met, numbers};
use ocaml_lwt_interop::SendRustStream;
use ocaml_lwt_interop::host::Host;
use tokio::runtime::{Handle, Runtime};

use super::places::{NoEnd, spawn};
use super::problem;

type Call = Pin<Box<dyn Future<Output = HostEnding>>>;

/// Those of a case, under way.
pub struct Calls {
    calls: Vec<(Caller, Call)>,
    allowed: Vec<Vec<Seen>>,
    over_at_once: bool,
}

impl Calls {
    pub fn begin(runtime: &Runtime, ocaml: Host, env: Env, case: HostCase) -> Calls {
        let run = Run {
            env,
            home: ocaml.handle(),
        };
        let calls = case.runs.into_iter().enumerate().map(|(i, program)| {
            let call = case.hosted.calls[i % case.hosted.calls.len()];
            let run = run.clone();
            (
                call.caller,
                begin(runtime.handle(), ocaml, call, run, program),
            )
        });
        Calls {
            calls: calls.collect(),
            allowed: case.allowed,
            over_at_once: case.over_at_once,
        }
    }

    /// Waits for them, at the same time.
    pub async fn all(self) -> Vec<HostEnding> {
        let mut calls: Vec<_> = self
            .calls
            .into_iter()
            .map(|(caller, call)| (caller, Err(call)))
            .collect();
        poll_fn(|context| {
            let mut waits = false;
            for (_, call) in &mut calls {
                if let Err(future) = call {
                    match future.as_mut().poll(context) {
                        Poll::Ready(ended) => *call = Ok(ended),
                        Poll::Pending => waits = true,
                    }
                }
            }
            if waits {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
        let ended = calls.into_iter().map(|(caller, call)| {
            let ended = call.ok().expect("it has ended");
            met::met(row(caller), column(&ended));
            ended
        });
        ended.collect()
    }

    pub fn over_at_once(&self) -> bool {
        self.over_at_once
    }

    /// What each may give, as the model says.
    pub fn allowed(&self) -> Vec<Vec<Seen>> {
        self.allowed.clone()
    }
}

fn row(caller: Caller) -> &'static str {
    match caller {
        Caller::FromMain => "a host's call, from main",
        Caller::FromATask => "a host's call, from a task",
        Caller::FromAThread => "a host's call, from a thread",
        Caller::FromBlockOn => "a host's call, from block_on",
        Caller::FromTheBlockingPool => "a host's call, from the pool",
        Caller::FromHome => "a host's call, from home",
    }
}

pub fn column(ended: &HostEnding) -> &'static str {
    match ended {
        HostEnding::Ended(Ok(Value::Late)) => "dropped",
        HostEnding::Ended(ended) => met::column(ended),
        HostEnding::Panicked(_) => "panic",
        HostEnding::Gone => "refused",
    }
}

/// What does not hold of endings, where OCaml is not there to say so.
pub fn problems(endings: &[HostEnding], allowed: &[Vec<Seen>]) -> Vec<String> {
    let of_one = |(ending, allowed): (_, &Vec<Seen>)| match seen(ending) {
        Ok(seen) if seen.is_one_of(allowed) => None,
        Ok(seen) => Some(format!("ended with {seen:?}, and may end with {allowed:?}")),
        Err(text) => Some(format!("ended with {text:?}, and may end with {allowed:?}")),
    };
    endings.iter().zip(allowed).filter_map(of_one).collect()
}

/// The host begins with Rust's part of a program, where that is its root.
fn work(ocaml: Host, run: Run, program: InOcaml) -> Running<'static> {
    // Dropped when the call has begun.
    let performs = ocaml.get_named::<dyn Performs>("of the environment");
    let performs = performs.unwrap_or_else(|error| problem(error));
    match program {
        InOcaml::CallRust(_, nodes) => run.all(nodes),
        InOcaml::ReadRust(items) => {
            let window = items.rust_window as usize;
            let stream = SendRustStream::try_new(numbers(items.clone(), run, false));
            let reads = performs.read_rust(items, stream.window(window));
            Box::pin(async move {
                let ended = reads.await;
                met::met("interface, SendRustStream", met::column(&ended));
                ended
            })
        }
        program => performs.perform(program),
    }
}

async fn late(yields: isize) -> Ended {
    for _ in 0..yields {
        yield_now().await;
    }
    Ok(Value::Late)
}

fn body(
    ocaml: Host,
    run: Run,
    patience: Patience,
    at_home: bool,
    program: InOcaml,
) -> Running<'static> {
    Box::pin(async move {
        let _probe = Probe::new(at_home);
        let work = work(ocaml, run, program);
        match patience {
            Patience::Waits => work.await,
            Patience::DropsAfter(yields) => or(work, late(yields)).await,
            Patience::WaitsFor(n) => {
                let time = Duration::from_micros(100 * n as u64);
                let ended = tokio::time::timeout(time, work).await;
                ended.unwrap_or(Ok(Value::Late))
            }
        }
    })
}

/// What a panic says.
fn message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => match panic.downcast::<&str>() {
            Ok(message) => (*message).to_owned(),
            Err(_) => "a panic without a message".to_owned(),
        },
    }
}

fn begin(runtime: &Handle, ocaml: Host, call: HostCall, run: Run, program: InOcaml) -> Call {
    let at_home = call.caller == Caller::FromHome;
    let body = body(ocaml, run, call.patience, at_home, program);
    let place = spawn(runtime, ocaml, call.caller, body);
    Box::pin(async {
        match place.await {
            Ok(ended) => HostEnding::Ended(ended),
            Err(NoEnd::Panic(panic)) => HostEnding::Panicked(message(panic)),
            Err(NoEnd::Home(error)) => match error.panic_message() {
                Some(message) => HostEnding::Panicked(message.to_owned()),
                None => HostEnding::Ended(Err(error)),
            },
            Err(NoEnd::Gone) => HostEnding::Gone,
        }
    })
}
