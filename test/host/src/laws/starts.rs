//! How OCaml starts, or does not.

use interop_host::Protocol;
use ocaml_lwt_interop::host::{self, StartError};

use super::{Law, law, options, tokio, with_ocaml};

pub fn laws() -> Vec<Law> {
    vec![
        law!(module_that_raises_is_an_error_and_the_process_goes_on),
        law!(without_b_there_is_no_backtrace),
        law!(module_that_exits_is_an_error_and_the_process_goes_on, stdout: Some("unflushed hook\nRust goes on\n")),
        law!(nothing_provided_is_an_error),
        law!(second_start_is_an_error),
        law!(start_after_the_end_is_an_error),
        law!(provided_twice_raises, stderr: &["was provided twice"]),
        law!(implementation_is_an_argument, stdout: Some("of an argument\nOCaml's hook\n")),
        law!(shared_is_started_once),
        law!(arguments_with_zero_bytes_are_refused),
        law!(stack_is_as_large_as_is_said),
    ]
}

fn module_that_raises_is_an_error_and_the_process_goes_on() {
    tokio(async {
        match options("--raise").start().await {
            Err(StartError::Raised {
                exception,
                backtrace,
            }) => {
                assert!(exception.contains("while initialising"), "{exception}");
                assert!(backtrace.contains("main.ml"), "{backtrace}");
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(host::start().await, Err(StartError::Over)));
        assert!(host::shared().await.is_err());
    });
}

fn without_b_there_is_no_backtrace() {
    tokio(async {
        let started = options("--raise").ocamlrunparam("s=32k").start().await;
        match started {
            Err(StartError::Raised { backtrace, .. }) => assert_eq!(backtrace, ""),
            other => panic!("{other:?}"),
        }
    });
}

fn module_that_exits_is_an_error_and_the_process_goes_on() {
    tokio(async {
        let started = options("--exit").start().await;
        assert!(
            matches!(started, Err(StartError::Exited { code: 3 })),
            "{started:?}"
        );
        println!("Rust goes on");
    });
}

fn nothing_provided_is_an_error() {
    tokio(async {
        let started = options("--nothing").start().await;
        assert!(
            matches!(started, Err(StartError::ProvidesNothing)),
            "{started:?}"
        );
    });
}

fn second_start_is_an_error() {
    tokio(async {
        let (first, second) = tokio::join!(host::start(), host::start());
        assert!(first.is_ok() != second.is_ok());
        let refused = first.err().or(second.err());
        assert_eq!(refused, Some(StartError::AlreadyStarted));
        assert!(matches!(
            host::start().await,
            Err(StartError::AlreadyStarted)
        ));
        assert_eq!(
            host::shared()
                .await
                .unwrap()
                .get::<dyn Protocol>()
                .unwrap()
                .version(),
            "4.2"
        );
    });
}

fn start_after_the_end_is_an_error() {
    with_ocaml(async |ocaml| {
        ocaml.shutdown().await;
        assert!(matches!(host::start().await, Err(StartError::Over)));
    });
}

fn provided_twice_raises() {
    tokio(async {
        let ocaml = options("--twice").start().await.unwrap();
        assert_eq!(ocaml.get::<dyn Protocol>().unwrap().version(), "4.2");
    });
}

fn implementation_is_an_argument() {
    tokio(async {
        let ocaml = options("--argument").start().await.unwrap();
        ocaml.shutdown().await;
    });
}

fn shared_is_started_once() {
    let one = || {
        std::thread::spawn(|| {
            let test = tokio::runtime::Builder::new_current_thread().build();
            test.expect("a runtime").block_on(async {
                let ocaml = host::shared().await.unwrap();
                ocaml.get::<dyn Protocol>().unwrap().version()
            })
        })
    };
    let threads: Vec<_> = (0..8).map(|_| one()).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), "4.2");
    }
}

fn arguments_with_zero_bytes_are_refused() {
    tokio(async {
        let started = options("a\0b").start().await;
        assert!(
            matches!(started, Err(StartError::Options(_))),
            "{started:?}"
        );
    });
}

fn stack_is_as_large_as_is_said() {
    tokio(async {
        let ocaml = options("").stack_size(64 << 20).start().await.unwrap();
        let used = ocaml.handle().call(|_| {
            fn deep(n: u32) -> u32 {
                let frame = std::hint::black_box([n; 1024]);
                if n == 0 {
                    0
                } else {
                    deep(n - 1) + frame[5] - frame[6]
                }
            }
            deep(8_000)
        });
        assert_eq!(used.await.unwrap(), 0);
        ocaml.shutdown().await;
    });
}
