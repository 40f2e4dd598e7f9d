//! The Rust half of the fuzzer: functions of every kind, each of which performs a plan. See `../README.md`.
#![allow(missing_docs)]

pub mod counts;
pub mod crash;
pub mod hosted;
pub mod met;
#[path = "../../src/plain_thread.rs"]
mod plain_thread;
pub mod plan;
pub mod run;
mod shapes;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use futures_core::Stream;
use futures_lite::StreamExt;
use futures_lite::future::{block_on, poll_once, yield_now};
use ocaml_lwt_interop::domain_executor::spawn_lwt;
use ocaml_lwt_interop::{
    Error, Lent, LwtStream, Object, OwnedArray, Promise, SendRustStream, func, object,
    ocaml_runtime, tokio_rt,
};

use counts::Probe;
use plain_thread::{awaited, spawn_on_a_thread};
use plan::*;
use run::{Ended, Env, Run};

#[func]
pub async fn at_home(plan: InRust, env: Env) -> Ended {
    let _probe = Probe::new(true);
    Run::here(env).run(plan).await
}

#[func(cancel = "detach")]
pub async fn detached(plan: InRust, env: Env) -> Ended {
    let _probe = Probe::new(true);
    Run::here(env).run(plan).await
}

#[func(tokio)]
pub async fn on_tokio(plan: InRust, env: Env) -> Ended {
    let _probe = Probe::new(false);
    Run::here(env).run(plan).await
}

#[func(blocking)]
pub fn blocking(plan: InRust, env: Env) -> Ended {
    let _probe = Probe::new(false);
    block_on(Run::here(env).run(plan))
}

/// A plan that need not wait.
fn now(plan: InRust, env: Env) -> Ended {
    let _probe = Probe::new(true);
    block_on(poll_once(Run::here(env).run(plan))).expect("it need not wait")
}

#[func(sync)]
pub fn at_once(plan: InRust, env: Env) -> Ended {
    now(plan, env)
}

#[func]
pub fn by_resolver(place: Place, plan: InRust, env: Env) -> Promise<Value> {
    let (promise, resolver) = Promise::new(&ocaml_runtime());
    let run = Run::here(env);
    let home = run.home;
    let work = async move {
        let _probe = Probe::new(false);
        match run.run(plan).await {
            Ok(value) => resolver.resolve(value),
            Err(error) => resolver.reject(error),
        }
    };
    match place {
        Place::AtHome => home.spawn(work).detach(),
        Place::OnTokio => drop(tokio_rt().spawn(work)),
        Place::OnAThread => drop(spawn_on_a_thread(work)),
        Place::InTheBlockingPool => drop(tokio_rt().spawn_blocking(|| block_on(work))),
    }
    promise
}

#[func(sync)]
pub fn by_spawn_lwt(plan: InRust, env: Env) -> Promise<Value> {
    spawn_lwt(&ocaml_runtime(), async move {
        let _probe = Probe::new(true);
        Run::here(env).run(plan).await
    })
}

/// Adds one to each element, when the plan has ended.
#[func]
pub async fn with_lent(mut array: Lent<u8>, place: Place, plan: InRust, env: Env) -> Ended {
    let run = Run::here(env);
    let work = async move {
        for element in array.iter_mut() {
            *element += 1;
        }
        let ended = run.run(plan).await;
        for element in array.iter_mut() {
            *element += 1;
        }
        ended
    };
    match place {
        Place::AtHome => work.await,
        Place::OnTokio => awaited(tokio_rt().spawn(work)).await,
        Place::OnAThread => awaited(spawn_on_a_thread(work)).await,
        Place::InTheBlockingPool => awaited(tokio_rt().spawn_blocking(|| block_on(work))).await,
    }
}

#[func(blocking)]
pub fn owned(length: isize) -> OwnedArray<u8> {
    (0..length).map(|i| i as u8).collect::<Vec<u8>>().into()
}

/// What methods are of.
#[object(drop = "home")]
pub struct Thing {
    probe: Mutex<Probe>,
}

#[func]
impl Thing {
    #[func(sync)]
    pub fn make() -> Thing {
        Thing {
            probe: Mutex::new(Probe::of_object()),
        }
    }

    async fn run(&self, run: Run, plan: InRust) -> Ended {
        let ended = run.run(plan).await;
        drop(self.probe.lock());
        ended
    }

    pub async fn at_home(&self, plan: InRust, env: Env) -> Ended {
        let _probe = Probe::new(true);
        self.run(Run::here(env), plan).await
    }

    #[func(tokio)]
    pub async fn on_tokio(&self, plan: InRust, env: Env) -> Ended {
        let _probe = Probe::new(false);
        self.run(Run::here(env), plan).await
    }

    #[func(blocking)]
    pub fn blocking(&self, plan: InRust, env: Env) -> Ended {
        let _probe = Probe::new(false);
        block_on(self.run(Run::here(env), plan))
    }

    #[func(sync)]
    pub fn at_once(&self, plan: InRust, env: Env) -> Ended {
        let ended = now(plan, env);
        drop(self.probe.lock());
        ended
    }

    #[func(sync)]
    pub fn is_closed(this: Object<Self>) -> bool {
        Object::is_closed(&this)
    }
}

/// What OCaml reads of such a stream.
pub fn numbers(
    items: RustItems,
    run: Run,
    at_home: bool,
) -> impl Stream<Item = Result<isize, Error>> + Send {
    let probe = Probe::new(at_home);
    let RustItems {
        rust_items,
        rust_before,
        rust_end,
        ..
    } = items;
    futures_lite::stream::unfold((0, probe), move |(i, probe)| {
        let (run, before, end) = (run.clone(), rust_before.clone(), rust_end.clone());
        async move {
            if i < rust_items {
                let item = run.all(before).await.map(|_| i);
                return Some((item, (i + 1, probe)));
            }
            match run.all(end).await {
                Ok(_) => None,
                Err(error) => Some((Err(error), (i + 1, probe))),
            }
        }
    })
}

#[func]
pub async fn rust_stream(items: RustItems, env: Env) -> SendRustStream<isize> {
    let window = items.rust_window as usize;
    SendRustStream::try_new(numbers(items, Run::here(env), true)).window(window)
}

/// What OCaml tells those that never wait.
#[object]
pub struct Flag {
    set: AtomicBool,
}

/// So often does nobody look who lets Lwt have its turns: a timer of half a millisecond comes long before.
const VERY_OFTEN: isize = 20_000_000;

fn starved() -> Error {
    Error::msg("Lwt has not had its turn")
}

#[func]
impl Flag {
    #[func(sync)]
    pub fn make() -> Flag {
        Flag {
            set: AtomicBool::new(false),
        }
    }

    #[func(sync)]
    pub fn set(&self) {
        self.set.store(true, SeqCst);
    }

    pub async fn polls(&self) -> Result<(), Error> {
        for _ in 0..VERY_OFTEN {
            if self.set.load(SeqCst) {
                return Ok(());
            }
            yield_now().await;
        }
        Err(starved())
    }

    /// A channel that is never empty.
    pub async fn channel(&self) -> Result<(), Error> {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        for _ in 0..VERY_OFTEN {
            if self.set.load(SeqCst) {
                return Ok(());
            }
            sender.send(()).expect("the receiver is below");
            receiver.recv().await;
        }
        Err(starved())
    }

    pub fn stream(this: Object<Self>) -> impl Stream<Item = Result<isize, Error>> + use<> {
        futures_lite::stream::iter(0..=VERY_OFTEN)
            .take_while(move |_| !this.set.load(SeqCst))
            .map(|i| {
                if i == VERY_OFTEN {
                    Err(starved())
                } else {
                    Ok(i)
                }
            })
    }

    pub async fn reads(&self, mut stream: LwtStream<isize>) -> Result<(), Error> {
        for _ in 0..VERY_OFTEN {
            if self.set.load(SeqCst) {
                return Ok(());
            }
            stream.next().await.expect("it does not end")?;
        }
        Err(starved())
    }
}

/// As [`silence_panics`], for OCaml.
#[ocaml::func]
pub fn fuzz_silence_panics() {
    silence_panics();
}

/// Panics of plans are expected. Before the first `#[func]` is called, whose hook comes in front.
pub fn silence_panics() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let message = info.payload().downcast_ref::<String>();
        let expected = [
            "planned panic",
            "not valid UTF-8",
            "does not fit into a Rust",
            "of an OCaml array are all floats",
        ];
        let is_expected = |message: &String| expected.iter().any(|part| message.contains(part));
        if !message.is_some_and(is_expected) {
            previous(info);
        }
    }));
}
