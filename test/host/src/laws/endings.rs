//! OCaml code that ends itself, its thread, or the process: the host is told, or the call is, and nobody waits for ever.

use std::time::Duration;

use interop_host::{Act, Endings, Kinds, Place, Protocol, block};
use ocaml_lwt_interop::Error;
use ocaml_lwt_interop::host::{self, Ended, Host, StartError};

use super::{Law, law, options, tokio, with_ocaml};

/// Laws in the order of this list. `told`: OCaml has ended, and the host is told how. `goes_on`: the call gives this error, and OCaml
/// goes on.
macro_rules! endings {
    ($($name:ident: $act:expr, $place:ident => $kind:ident [$($how:tt)*];)*) => {
        pub fn laws() -> Vec<Law> {
            let mut laws = vec![$(law!($name)),*];
            laws.extend(others());
            laws
        }

        $(fn $name() {
            $kind($act, Place::$place, |how| matches!(how, $($how)*));
        })*
    };
}

endings! {
    exit_in_a_call_is_told: Act::Exit(5), Call => told [Ended::Exited { code: 5 }];
    exit_in_a_promise_is_told: Act::Exit(5), Promise => told [Ended::Exited { code: 5 }];
    exit_in_a_callback_is_told: Act::Exit(5), Callback => told [Ended::Exited { code: 5 }];
    exit_in_a_hook_of_the_loop_is_told: Act::Exit(5), Hook => told [Ended::Exited { code: 5 }];
    exit_on_a_thread_is_told: Act::Exit(5), OtherThread => told [Ended::Exited { code: 5 }];
    exit_in_a_finaliser_is_told: Act::Exit(5), Finaliser => told [Ended::Exited { code: 5 }];
    exit_in_a_signal_handler_is_told: Act::Exit(5), SignalHandler => told [Ended::Exited { code: 5 }];
    exit_in_a_signal_handler_of_lwts_is_told: Act::Exit(5), LwtSignalHandler => told [Ended::Exited { code: 5 }];
    exit_below_rust_is_told: Act::Exit(5), CallOfRust => told [Ended::Exited { code: 5 }];
    exit_on_a_blocking_thread_is_told: Act::Exit(5), BlockingThread => told [Ended::Exited { code: 5 }];
    exit_in_a_job_is_told: Act::Exit(5), Job => told [Ended::Exited { code: 5 }];
    exit_below_rust_in_a_job_is_told: Act::Exit(5), JobCallOfRust => told [Ended::Exited { code: 5 }];
    exit_in_a_hook_of_at_exit_is_told: Act::Exit(5), AtExit => told [Ended::Exited { .. }];

    thread_exit_in_a_call_is_an_error: Act::ExitThread, Call => goes_on [_];
    thread_exit_in_a_promise_is_an_error: Act::ExitThread, Promise => goes_on [_];
    thread_exit_below_rust_is_an_error: Act::ExitThread, CallOfRust => goes_on [_];
    thread_exit_on_a_blocking_thread_is_an_error: Act::ExitThread, BlockingThread => goes_on [_];
    thread_exit_in_a_job_is_an_error: Act::ExitThread, Job => goes_on [_];
    thread_exit_in_a_callback_is_told: Act::ExitThread, Callback => told [Ended::Exited { code: 2 }];
    thread_exit_in_a_hook_of_the_loop_is_told: Act::ExitThread, Hook => told [Ended::Raised { .. }];
    thread_exit_in_a_hook_of_at_exit_is_an_error: Act::ExitThread, AtExit => goes_on [_];

    exception_in_a_callback_is_exit_2: Act::Raise, Callback => told [Ended::Exited { code: 2 }];
    exception_of_nobodys_promise_is_exit_2: Act::Raise, Async => told [Ended::Exited { code: 2 }];
    exception_in_a_signal_handler_of_lwts_is_told: Act::Raise, LwtSignalHandler => told [Ended::Exited { .. } | Ended::Raised { .. }];
    exception_in_a_hook_of_at_exit_is_an_error: Act::Raise, AtExit => goes_on [_];

    loop_in_a_call_is_an_error: Act::RunLoop, Call => goes_on [_];
    loop_in_a_promise_is_an_error: Act::RunLoop, Promise => goes_on [_];
    memory_that_is_not_there_is_an_error: Act::Exhaust, Call => goes_on [error if error.is_exception("Out_of_memory")];
    memory_that_is_not_there_below_rust_is_an_error: Act::Exhaust, CallOfRust => goes_on [error if error.is_exception("Out_of_memory")];
    overflow_below_rust_is_an_error: Act::Overflow, CallOfRust => goes_on [error if error.is_exception("Stack_overflow")];
}

fn others() -> Vec<Law> {
    vec![
        law!(thread_exit_ends_no_more_than_its_thread),
        law!(thread_exit_in_a_plain_function_is_an_error),
        law!(thread_exit_of_a_module_is_an_error),
        law!(exit_at_once_ends_the_process, code: 6),
        law!(sigterm_without_a_handler_is_rusts),
    ]
}

/// No law waits longer for what is told.
const BOUND: Duration = Duration::from_secs(60);

fn is_there(ocaml: Host) {
    let protocol = ocaml.get::<dyn Protocol>().unwrap();
    assert_eq!(protocol.version(), "4.2");
}

fn told(act: Act, place: Place, is_as_expected: impl Fn(&Ended) -> bool) {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        let endings = ocaml.get::<dyn Endings>().unwrap();
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        let others = tokio::spawn(ocaml.get::<dyn Kinds>().unwrap().forever());
        is_there(ocaml);
        let call = tokio::spawn(endings.end(act, place));
        let ended = tokio::time::timeout(BOUND, ocaml.ended()).await;
        let ended = ended.expect("it is told");
        assert!(is_as_expected(&ended), "{ended:?}");
        for call in [call, others] {
            let call = tokio::time::timeout(BOUND, call).await;
            assert!(call.expect("it ends").unwrap().is_err());
        }
        let late = tokio::time::timeout(BOUND, protocol.apply(block("a"))).await;
        assert!(late.expect("it ends").is_err());
        assert_eq!(ocaml.shutdown().await, ended);
    });
}

fn goes_on(act: Act, place: Place, is_as_expected: impl Fn(&Error) -> bool) {
    with_ocaml(async |ocaml| {
        let endings = ocaml.get::<dyn Endings>().unwrap();
        for _ in 0..3 {
            let call = tokio::time::timeout(BOUND, endings.end(act, place)).await;
            let error = call.expect("it ends").unwrap_err();
            assert!(is_as_expected(&error), "{error}");
            is_there(ocaml);
        }
    });
}

fn thread_exit_ends_no_more_than_its_thread() {
    with_ocaml(async |ocaml| {
        let endings = ocaml.get::<dyn Endings>().unwrap();
        let call = endings.end(Act::ExitThread, Place::OtherThread);
        let late = tokio::time::timeout(Duration::from_millis(50), call).await;
        assert!(late.is_err());
        is_there(ocaml);
    });
}

fn thread_exit_in_a_plain_function_is_an_error() {
    with_ocaml(async |ocaml| {
        let endings = ocaml.get::<dyn Endings>().unwrap();
        for _ in 0..3 {
            assert!(endings.end_now(Act::ExitThread).is_err());
            is_there(ocaml);
        }
    });
}

fn thread_exit_of_a_module_is_an_error() {
    tokio(async {
        let started = options("--exit-thread").start().await;
        assert!(
            matches!(started, Err(StartError::Raised { .. })),
            "{started:?}"
        );
    });
}

fn exit_at_once_ends_the_process() {
    with_ocaml(async |ocaml| {
        let endings = ocaml.get::<dyn Endings>().unwrap();
        let _ = endings.end(Act::ExitAtOnce(6), Place::Promise).await;
        unreachable!("the process is gone");
    });
}

fn sigterm_without_a_handler_is_rusts() {
    tokio(async {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        let ocaml = host::start().await.unwrap();
        is_there(ocaml);
        let kill = std::process::Command::new("sh")
            .args(["-c", "kill -TERM $PPID"])
            .status();
        assert!(kill.unwrap().success());
        terminate.recv().await.unwrap();
        assert_eq!(ocaml.shutdown().await, Ended::ShutDown);
    });
}
