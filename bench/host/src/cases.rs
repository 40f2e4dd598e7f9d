//! The cases, and how they are measured: several rounds, each with all cases in a row, and the median.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use ocaml_lwt_interop::host::{self, Host};
use ocaml_lwt_interop::{ByteBuf, Provided, ocaml_runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::Chain;
use crate::message::{Applied, Block, block};

type Calls = Pin<Box<dyn Future<Output = ()> + Send>>;
type One = fn(Provided<dyn Chain>, &'static Block) -> Calls;

/// How many calls are under way.
const AT_A_TIME: usize = 1_000;

fn empty(chain: Provided<dyn Chain>, _: &'static Block) -> Calls {
    Box::pin(async move { chain.empty().await.expect("it answers") })
}

fn direct(chain: Provided<dyn Chain>, block: &'static Block) -> Calls {
    Box::pin(async move {
        black_box(chain.direct(block).await.expect("it answers"));
    })
}

fn bincode(chain: Provided<dyn Chain>, block: &'static Block) -> Calls {
    Box::pin(async move {
        let bytes = ByteBuf(bincode::serialize(block).expect("it is encoded"));
        let answer = chain.bincode(bytes).await.expect("it answers");
        black_box(bincode::deserialize::<Applied>(&answer).expect("it is decoded"));
    })
}

fn messagepack(chain: Provided<dyn Chain>, block: &'static Block) -> Calls {
    Box::pin(async move {
        let bytes = ByteBuf(rmp_serde::to_vec(block).expect("it is encoded"));
        let answer = chain.messagepack(bytes).await.expect("it answers");
        black_box(rmp_serde::from_slice::<Applied>(&answer).expect("it is decoded"));
    })
}

#[derive(Clone, Copy)]
enum How {
    /// One after the other, from a task.
    After(One),
    /// So many at a time, from one task.
    OneTask(One),
    /// So many at a time, each from a task of its own.
    Tasks(One),
    /// One after the other, through a thread that calls OCaml itself, synchronously: structures, or bytes.
    Thread { as_bytes: bool },
}

struct Case {
    name: &'static str,
    how: How,
    bound: Bound,
}

/// How long it may take.
#[derive(Clone, Copy)]
enum Bound {
    None,
    Micros(f64),
    /// So many times as long as that case.
    Times(f64, &'static str),
}

fn cases() -> Vec<Case> {
    let case = |name, how, bound| Case { name, how, bound };
    vec![
        case("empty", How::After(empty), Bound::None),
        case("empty-1k", How::OneTask(empty), Bound::Micros(1.0)),
        case("empty-1k-tasks", How::Tasks(empty), Bound::Micros(1.0)),
        case("bincode", How::After(bincode), Bound::None),
        case("messagepack", How::After(messagepack), Bound::None),
        case("direct", How::After(direct), Bound::Times(0.42, "bincode")),
        case("bincode-1k", How::OneTask(bincode), Bound::None),
        case(
            "direct-1k",
            How::OneTask(direct),
            Bound::Times(0.42, "bincode-1k"),
        ),
        case("messagepack-1k", How::OneTask(messagepack), Bound::None),
        case("bincode-1k-tasks", How::Tasks(bincode), Bound::None),
        case(
            "direct-1k-tasks",
            How::Tasks(direct),
            Bound::Times(0.42, "bincode-1k-tasks"),
        ),
        case("messagepack-1k-tasks", How::Tasks(messagepack), Bound::None),
        case(
            "thread-bincode",
            How::Thread { as_bytes: true },
            Bound::None,
        ),
        case(
            "thread-direct",
            How::Thread { as_bytes: false },
            Bound::Times(0.42, "thread-bincode"),
        ),
    ]
}

/// These cases, or all, for so long each, so many times; prints them.
pub async fn run(time: Duration, rounds: usize, wanted: &[String]) {
    let ocaml = host::start().await.expect("OCaml starts");
    let chain = ocaml.get::<dyn Chain>().expect("it is provided");
    let block = block();
    assert_eq!(
        chain.direct(block).await.expect("it answers"),
        block.applied()
    );
    let mut cases = cases();
    cases.retain(|case| wanted.is_empty() || wanted.iter().any(|name| name == case.name));
    let mut measured = vec![Vec::new(); cases.len()];
    for _ in 0..rounds {
        for (case, measured) in cases.iter().zip(&mut measured) {
            measured.push(measure(ocaml, &chain, block, case.how, time).await);
        }
    }
    let of = |name: &str| cases.iter().position(|case| case.name == name);
    println!("{:<22}{:>8}", "", "µs");
    for (case, rounds) in cases.iter().zip(&measured) {
        let micros = median(rounds.clone());
        let bound = match case.bound {
            Bound::None => None,
            Bound::Micros(most) => Some(format!("at most {most}")),
            Bound::Times(most, name) => of(name).map(|to| {
                let ratios = rounds.iter().zip(&measured[to]).map(|(own, to)| own / to);
                format!("{:.2} × {name}, at most {most}", median(ratios.collect()))
            }),
        };
        println!(
            "{:<22}{micros:>8.2}  {}",
            case.name,
            bound.unwrap_or_default()
        );
    }
    ocaml.shutdown().await;
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Microseconds for one call.
async fn measure(
    ocaml: Host,
    chain: &Provided<dyn Chain>,
    block: &'static Block,
    how: How,
    time: Duration,
) -> f64 {
    let mut count = 0;
    let begun = Instant::now();
    match how {
        How::Thread { as_bytes } => {
            let (requests, thread) = thread(ocaml, chain, as_bytes);
            while begun.elapsed() < time {
                for _ in 0..100 {
                    let (answer, answered) = oneshot::channel();
                    requests.send((block, answer)).expect("it waits");
                    black_box(answered.await.expect("it answers"));
                }
                count += 100;
            }
            drop(requests);
            thread.await.expect("it ends");
        }
        _ => {
            while begun.elapsed() < time {
                let calls = tokio::spawn(several(how, chain.clone(), block));
                count += calls.await.expect("it does not panic");
            }
        }
    }
    begun.elapsed().as_secs_f64() * 1e6 / count as f64
}

async fn several(how: How, chain: Provided<dyn Chain>, block: &'static Block) -> usize {
    match how {
        How::After(one) => {
            for _ in 0..AT_A_TIME {
                one(chain.clone(), block).await;
            }
        }
        How::OneTask(one) => {
            join_all((0..AT_A_TIME).map(|_| one(chain.clone(), block))).await;
        }
        How::Tasks(one) => {
            let mut tasks = JoinSet::new();
            for _ in 0..AT_A_TIME {
                tasks.spawn(one(chain.clone(), block));
            }
            while tasks.join_next().await.is_some() {}
        }
        How::Thread { .. } => unreachable!("it is measured elsewhere"),
    }
    AT_A_TIME
}

type Request = (&'static Block, oneshot::Sender<Applied>);

/// As TezEdge's node calls its protocol: the thread that runs OCaml waits for a request, and calls.
fn thread(
    ocaml: Host,
    chain: &Provided<dyn Chain>,
    as_bytes: bool,
) -> (
    mpsc::Sender<Request>,
    impl Future<Output = Result<(), ocaml_lwt_interop::Error>>,
) {
    let (direct, bincode) = chain.functions();
    let (sender, requests) = mpsc::channel::<Request>();
    let thread = ocaml.handle().call(move |_| {
        let runtime = ocaml_runtime();
        for (block, answer) in requests {
            let applied = if as_bytes {
                let bytes = ByteBuf(bincode::serialize(block).expect("it is encoded"));
                let bytes = bincode.call(&runtime, (bytes,)).expect("it answers");
                bincode::deserialize(&bytes).expect("it is decoded")
            } else {
                direct.call(&runtime, (block,)).expect("it answers")
            };
            let _ = answer.send(applied);
        }
    });
    (sender, thread)
}
