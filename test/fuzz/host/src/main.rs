//! The fuzzer's programs whose `main` is Rust's: `fuzz-host one|several START --file NAME`, or `--many FROM COUNT`.
//!
//! It prints what the other children of the fuzzer print, for the parent to read.

mod begin;
mod calls;
mod ends;
mod places;

use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use fuzz_host::hosted::{Cases, HostEnd, check};
use fuzz_host::{met, silence_panics};
use ocaml_lwt_interop::host::Host;
use tokio::runtime::{Builder, Runtime};

use calls::Calls;

/// Nothing of the host's takes longer.
const LIMIT: Duration = Duration::from_secs(40);

fn problem(text: impl std::fmt::Display) -> ! {
    println!("problem {text}");
    std::process::exit(1);
}

/// `f ()`, which does not take longer than [`LIMIT`].
fn bounded<R>(what: &'static str, f: impl FnOnce() -> R) -> R {
    let (ends, ended) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if ended.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            problem(format!("{what} takes longer than {LIMIT:?}"));
        }
    });
    let result = f();
    drop(ends);
    result
}

fn runtime(one_thread: bool) -> Runtime {
    let mut builder = if one_thread {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    let builder = builder.worker_threads(2).max_blocking_threads(16);
    builder.enable_all().build().expect("a runtime")
}

fn tell_met(in_ocaml: Vec<(String, String, isize)>) {
    for (row, column, times) in in_ocaml.into_iter().chain(met::met_in_rust()) {
        println!("met {times} {row}|{column}");
    }
}

fn main() -> ExitCode {
    silence_panics();
    let arguments: Vec<String> = std::env::args().collect();
    let one_thread = arguments[1] == "one";
    let runtime = runtime(one_thread);
    let started = bounded("the start", || {
        runtime.block_on(begin::begin(&arguments[2]))
    });
    met::met(&format!("a host begins: {}", arguments[2]), "value");
    let Some(ocaml) = started else {
        tell_met(Vec::new());
        println!("done");
        return ExitCode::SUCCESS;
    };
    serve(runtime, one_thread, ocaml)
}

fn serve(runtime: Runtime, one_thread: bool, ocaml: Host) -> ExitCode {
    let cases = ocaml.get::<dyn Cases>().expect("it is provided");
    while let Some(case) = cases.next() {
        let hosted = case.hosted.clone();
        let calls = Calls::begin(&runtime, ocaml, cases.env(), case);
        if hosted.ends != HostEnd::AllEnd {
            let met = cases.met_in_ocaml();
            return ends::end(runtime, ocaml, cases, calls, &hosted, met);
        }
        let endings = bounded("the programs", || runtime.block_on(calls.all()));
        let problems = bounded("the check", || runtime.block_on(check(&*cases, endings)));
        for problem in &problems {
            println!("problem {problem}");
        }
        if !problems.is_empty() {
            return ExitCode::FAILURE;
        }
    }
    let met = cases.met_in_ocaml();
    ends::all_have_ended(runtime, one_thread, ocaml, cases, met)
}
