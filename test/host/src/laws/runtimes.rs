//! The host's Tokio runtime, of either kind, and its end.

use futures_lite::future::block_on;
use interop_host::{Kinds, Protocol, block};
use ocaml_lwt_interop::host::{self, Ended, StartError};
use tokio::runtime::Builder;

use super::{Law, law, tokio};

pub fn laws() -> Vec<Law> {
    vec![
        law!(current_thread_runtime_serves_both),
        law!(start_without_a_runtime_has_the_bridges),
        law!(runtime_that_is_dropped_first_holds_nobody),
        law!(runtime_that_is_dropped_first_under_load_holds_nobody),
        law!(shutdown_before_the_runtime_ends),
        law!(future_of_start_may_be_dropped),
        law!(another_runtime_is_refused),
    ]
}

fn current_thread_runtime_serves_both() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ocaml = host::start().await.unwrap();
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        assert_eq!(protocol.version(), "4.2");
        let calls: Vec<_> = (0..100)
            .map(|_| tokio::spawn(protocol.apply(block("a"))))
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap().applied, 1);
        }
        // Rust's timer, which OCaml waits for, is the host's.
        ocaml.get::<dyn Kinds>().unwrap().sleep(0.01).await.unwrap();
        assert_eq!(ocaml.shutdown().await, Ended::ShutDown);
    });
}

fn start_without_a_runtime_has_the_bridges() {
    block_on(async {
        let ocaml = host::start().await.unwrap();
        ocaml.get::<dyn Kinds>().unwrap().sleep(0.01).await.unwrap();
        assert_eq!(ocaml.shutdown().await, Ended::ShutDown);
    });
}

fn runtime_that_is_dropped_first_holds_nobody() {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let ocaml = runtime.block_on(host::start()).unwrap();
    drop(runtime);
    let protocol = ocaml.get::<dyn Protocol>().unwrap();
    assert_eq!(protocol.version(), "4.2");
    assert_eq!(block_on(protocol.apply(block("a"))).unwrap().applied, 1);
    // A timer of a runtime that is gone.
    let kinds = ocaml.get::<dyn Kinds>().unwrap();
    assert!(block_on(kinds.sleep(0.01)).is_err());
    assert_eq!(block_on(ocaml.shutdown()), Ended::ShutDown);
}

fn runtime_that_is_dropped_first_under_load_holds_nobody() {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let ocaml = runtime.block_on(host::start()).unwrap();
    let protocol = ocaml.get::<dyn Protocol>().unwrap();
    let kinds = ocaml.get::<dyn Kinds>().unwrap();
    for _ in 0..100 {
        let protocol = protocol.clone();
        runtime.spawn(kinds.sleep(1e6));
        runtime.spawn(async move { while protocol.apply(block("a")).await.is_ok() {} });
    }
    assert_eq!(protocol.version(), "4.2");
    drop(runtime);
    assert_eq!(protocol.version(), "4.2");
    assert_eq!(block_on(ocaml.shutdown()), Ended::ShutDown);
}

fn shutdown_before_the_runtime_ends() {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let ocaml = runtime.block_on(host::start()).unwrap();
    let protocol = ocaml.get::<dyn Protocol>().unwrap();
    for _ in 0..100 {
        let protocol = protocol.clone();
        runtime.spawn(async move { while protocol.apply(block("a")).await.is_ok() {} });
    }
    // Outside of it.
    assert_eq!(block_on(ocaml.shutdown()), Ended::ShutDown);
    drop(runtime);
}

fn future_of_start_may_be_dropped() {
    tokio(async {
        drop(tokio::time::timeout(std::time::Duration::ZERO, host::start()).await);
        let again = host::start().await;
        // Where it was fast enough, it has started; where it was not polled, this does.
        assert!(
            matches!(again, Err(StartError::AlreadyStarted) | Ok(_)),
            "{again:?}"
        );
        let ocaml = host::shared().await.unwrap();
        assert_eq!(ocaml.get::<dyn Protocol>().unwrap().version(), "4.2");
    });
}

fn another_runtime_is_refused() {
    let first = ocaml_lwt_interop::tokio_rt();
    tokio(async {
        let started = host::start().await;
        assert!(
            matches!(started, Err(StartError::Runtime(_))),
            "{started:?}"
        );
    });
    drop(first);
}
