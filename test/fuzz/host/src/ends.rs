//! How OCaml ends, and the host.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering::SeqCst};
use std::time::Duration;

use futures_lite::future::{block_on, yield_now};
use fuzz_host::hosted::{Cases, HostEnd, Hosted, Performs, is_over};
use fuzz_host::met;
use fuzz_host::plan::{InOcaml, Value};
use ocaml_lwt_interop::Provided;
use ocaml_lwt_interop::host::{Ended, Host, StartError};
use tokio::runtime::{Handle, Runtime};

use super::calls::{Calls, column, problems};
use super::places::spawn;
use super::{begin, bounded, problem, tell_met};

type Met = Vec<(String, String, isize)>;

fn row(ends: HostEnd) -> &'static str {
    match ends {
        HostEnd::AllEnd => "all end",
        HostEnd::ShutsDown(_) => "shutdown",
        HostEnd::ShutsDownInAHurry => "shutdown_within",
        HostEnd::OcamlShutsDown => "OCaml shuts down",
        HostEnd::OcamlExits(_) => "OCaml exits",
        HostEnd::LeavesTheLoop => "an exception",
        HostEnd::RuntimeGoes => "runtime first",
        HostEnd::MainReturns => "main returns",
        HostEnd::MainExits => "main exits",
        HostEnd::MainPanics => "main panics",
    }
}

fn host_row(one_thread: bool, ends: HostEnd) -> String {
    let threads = if one_thread { "one thread" } else { "threads" };
    format!("a host, {threads}: {}", row(ends))
}

/// What OCaml says that it has kept, it has.
struct Journal {
    asked: Arc<AtomicIsize>,
    acknowledged: Arc<AtomicIsize>,
    thread: std::thread::JoinHandle<()>,
}

impl Journal {
    fn begin(cases: Provided<dyn Cases>) -> Journal {
        let asked = Arc::new(AtomicIsize::new(0));
        let acknowledged = Arc::new(AtomicIsize::new(0));
        let (ours, theirs) = (asked.clone(), acknowledged.clone());
        let thread = std::thread::spawn(move || {
            block_on(async {
                loop {
                    let number = ours.fetch_add(1, SeqCst) + 1;
                    match cases.write(number).await {
                        Ok(()) => theirs.store(number, SeqCst),
                        Err(_) => return,
                    }
                }
            });
        });
        Journal {
            asked,
            acknowledged,
            thread,
        }
    }

    /// The parent compares it with what OCaml has at its end.
    fn tell(self) {
        self.thread.join().expect("it does not panic");
        let (asked, acknowledged) = (self.asked.load(SeqCst), self.acknowledged.load(SeqCst));
        println!("acknowledged {acknowledged} {asked}");
    }
}

/// When the programs have ended.
pub fn all_have_ended(
    runtime: Runtime,
    one_thread: bool,
    ocaml: Host,
    cases: Provided<dyn Cases>,
    met: Met,
) -> ExitCode {
    bounded("the end", || {
        runtime.block_on(async {
            let ended = ocaml.shutdown().await;
            is_over_now(ocaml, &cases, &ended, true).await;
        });
    });
    met::met(&host_row(one_thread, HostEnd::AllEnd), "value");
    tell_met(met);
    println!("done");
    ExitCode::SUCCESS
}

/// While programs run.
pub fn end(
    runtime: Runtime,
    ocaml: Host,
    cases: Provided<dyn Cases>,
    calls: Calls,
    hosted: &Hosted,
    met: Met,
) -> ExitCode {
    let journal = Journal::begin(cases.clone());
    let (allowed, over_at_once) = (calls.allowed(), calls.over_at_once());
    let ends = hosted.ends;
    let after = hosted.after;
    let turns = async {
        for _ in 0..after {
            yield_now().await;
        }
    };
    if matches!(
        ends,
        HostEnd::MainReturns | HostEnd::MainExits | HostEnd::MainPanics
    ) {
        runtime.block_on(async {
            tokio::select! { _ = calls.all() => {}, () = turns => {} }
        });
        met::met(&host_row(hosted.one_thread, ends), "value");
        tell_met(met);
        return end_of_main(runtime, ends);
    }
    let (endings, ended) = match ends {
        HostEnd::RuntimeGoes => {
            runtime.block_on(turns);
            bounded("the end of the runtime", || drop(runtime));
            let endings = bounded("the programs", || block_on(calls.all()));
            (endings, bounded("the end", || block_on(ocaml.shutdown())))
        }
        _ => bounded("the programs and the end", || {
            runtime.block_on(async {
                let ends_then = async {
                    turns.await;
                    end_of_ocaml(ocaml, &cases, ends).await
                };
                tokio::join!(calls.all(), ends_then)
            })
        }),
    };
    met::met(&host_row(hosted.one_thread, ends), "value");
    for ending in &endings {
        met::met(&format!("a host's calls: {}", row(ends)), column(ending));
    }
    // What Tokio's own say when their runtime has gone is Tokio's.
    if ends != HostEnd::RuntimeGoes {
        if let Some(text) = problems(&endings, &allowed).first() {
            problem(text);
        }
    }
    drop(endings);
    bounded("what comes after the end", || {
        block_on(is_over_now(ocaml, &cases, &ended, over_at_once));
        journal.tell();
    });
    tell_met(met);
    println!("done");
    ExitCode::SUCCESS
}

/// Of the process, whatever OCaml does.
fn end_of_main(runtime: Runtime, ends: HostEnd) -> ExitCode {
    match ends {
        HostEnd::MainReturns => {
            println!("done");
            // As `#[tokio::main]` does it.
            bounded("the end of the runtime", || drop(runtime));
            ExitCode::SUCCESS
        }
        HostEnd::MainExits => {
            println!("expect 9");
            std::process::exit(9);
        }
        _ => {
            println!("expect 101");
            panic!("planned panic of main");
        }
    }
}

async fn end_of_ocaml(ocaml: Host, cases: &Provided<dyn Cases>, ends: HostEnd) -> Ended {
    match ends {
        // By several; one of them is where that says.
        HostEnd::ShutsDown(caller) => {
            let other = spawn(&Handle::current(), ocaml, caller, async move {
                ocaml.shutdown().await
            });
            let (ended, again, other) = tokio::join!(ocaml.shutdown(), ocaml.shutdown(), other);
            if ended != again || other.is_ok_and(|other| other != ended) {
                problem("of several that shut OCaml down one is told otherwise");
            }
            ended
        }
        HostEnd::ShutsDownInAHurry => {
            tokio::spawn(cases.end_ocaml(ends));
            match ocaml.shutdown_within(Duration::from_millis(1)).await {
                Ended::StillRuns | Ended::ShutDown => {}
                other => problem(format!("a shutdown in a hurry: {other:?}")),
            }
            ocaml.ended().await
        }
        _ => {
            tokio::spawn(cases.end_ocaml(ends));
            ocaml.ended().await
        }
    }
}

fn tell(ended: &Ended) {
    println!(
        "ended {}",
        match ended {
            Ended::Raised { exception, .. } if exception.contains("Planned(0)") =>
                "Raised".to_owned(),
            ended => format!("{ended:?}"),
        }
    );
}

/// It stays so, calls give errors, and nothing waits.
async fn is_over_now(ocaml: Host, cases: &Provided<dyn Cases>, ended: &Ended, over_at_once: bool) {
    tell(ended);
    if ocaml.is_running() || ocaml.ended().await != *ended || ocaml.shutdown().await != *ended {
        problem("what has ended has ended otherwise when it is asked again");
    }
    begin::again(StartError::Over).await;
    if ocaml.get_named::<dyn Performs>("none").is_ok() {
        problem("what was not provided is there");
    }
    let performs = ocaml.get_named::<dyn Performs>("of the environment");
    let performs = performs.unwrap_or_else(|error| problem(error));
    let nothing = || InOcaml::Return(Value::Nothing);
    // The caller sees to it that this ends.
    while !over_at_once && performs.perform_now(nothing()).is_ok() {}
    for ended in [
        performs.perform(nothing()).await,
        performs.perform_now(nothing()),
    ] {
        match ended {
            Err(error) if error.is_broken_promise() || is_over(&error) => {}
            other => problem(format!("a call behind the end: {other:?}")),
        }
    }
    if cases.write(0).await.is_ok() {
        problem("what is written behind the end is acknowledged");
    }
}
