//! How OCaml ends, and the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use interop_host::{Kinds, Protocol, Refused, block};
use ocaml_lwt_interop::host::{self, Ended};

use super::{Law, law, tokio, with_ocaml};

pub fn laws() -> Vec<Law> {
    vec![
        law!(shutdown_runs_hooks_and_refuses_calls, stdout: Some("OCaml's hook\nended\n")),
        law!(shutdown_ends_what_is_under_way),
        law!(shutdown_twice_and_by_several_is_one),
        law!(exit_is_told_and_the_process_goes_on, stdout: Some("OCaml's hook\nRust goes on\n")),
        law!(exit_on_another_thread_is_told),
        law!(exception_out_of_the_loop_is_told),
        law!(shutdown_by_ocaml_is_told),
        law!(ocaml_that_computes_for_ever_holds_nobody),
        law!(host_that_leaves_main_ends, code: 7),
        law!(host_that_exits_under_load_ends, code: 9),
        law!(panic_in_a_task_of_the_host_is_its_own),
        law!(panic_in_main_ends_the_process, code: 101, stderr: &["the host's"]),
    ]
}

fn shutdown_runs_hooks_and_refuses_calls() {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        assert_eq!(ocaml.shutdown().await, Ended::ShutDown);
        println!("ended");
        assert!(!ocaml.is_running());
        let refused = protocol.apply(block("a")).await;
        assert!(matches!(refused, Err(Refused::Failed(_))), "{refused:?}");
        let late = tokio::spawn(async move { protocol.version() }).await;
        assert!(late.unwrap_err().is_panic());
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        assert!(kinds.raise().await.is_err());
    });
}

/// Tells that it was dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn shutdown_ends_what_is_under_way() {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        let forever: Vec<_> = (0..100).map(|_| tokio::spawn(kinds.forever())).collect();
        let sleeps: Vec<_> = (0..100).map(|_| tokio::spawn(kinds.sleep(1e6))).collect();
        let dropped = Arc::new(AtomicBool::new(false));
        let guard = Dropped(dropped.clone());
        let task = ocaml.handle().spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        assert_eq!(kinds.cancelled(), 0);
        assert_eq!(ocaml.shutdown().await, Ended::ShutDown);
        for call in forever.into_iter().chain(sleeps) {
            assert!(call.await.unwrap().is_err());
        }
        assert!(task.await.is_err());
        assert!(dropped.load(Ordering::SeqCst));
    });
}

fn shutdown_twice_and_by_several_is_one() {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        let ends = tokio::join!(ocaml.shutdown(), ocaml.shutdown(), ocaml.ended());
        assert_eq!(ends, (Ended::ShutDown, Ended::ShutDown, Ended::ShutDown));
        assert_eq!(ocaml.shutdown().await, Ended::ShutDown);
    });
}

fn exit_is_told_and_the_process_goes_on() {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        assert!(kinds.exit(3).await.is_err());
        assert_eq!(ocaml.ended().await, Ended::Exited { code: 3 });
        assert_eq!(ocaml.shutdown().await, Ended::Exited { code: 3 });
        assert!(kinds.raise().await.is_err());
        println!("Rust goes on");
    });
}

fn exit_on_another_thread_is_told() {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        let call = tokio::spawn(kinds.exit_on_a_thread(4));
        assert_eq!(ocaml.ended().await, Ended::Exited { code: 4 });
        drop(call);
    });
}

fn exception_out_of_the_loop_is_told() {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        assert!(kinds.leave_the_loop().await.is_err());
        match ocaml.ended().await {
            Ended::Raised { exception, .. } => assert!(exception.contains("raised by OCaml")),
            other => panic!("{other:?}"),
        }
    });
}

fn shutdown_by_ocaml_is_told() {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        let _ = kinds.shut_down().await;
        assert_eq!(ocaml.ended().await, Ended::ShutDown);
    });
}

fn ocaml_that_computes_for_ever_holds_nobody() {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        let spins = tokio::time::timeout(Duration::from_millis(50), kinds.spin()).await;
        assert!(spins.is_err());
        let ended = ocaml.shutdown_within(Duration::from_millis(100)).await;
        assert_eq!(ended, Ended::StillRuns);
    });
}

fn host_that_leaves_main_ends() {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        drop(tokio::spawn(kinds.forever()));
        drop(tokio::spawn(kinds.sleep(1e6)));
        let _ = tokio::time::timeout(Duration::from_millis(20), kinds.spin()).await;
    });
    std::process::exit(7);
}

fn host_that_exits_under_load_ends() {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        for _ in 0..100 {
            let protocol = protocol.clone();
            tokio::spawn(async move {
                loop {
                    protocol.apply(block("a")).await.unwrap();
                }
            });
        }
        for _ in 0..100 {
            protocol.apply(block("a")).await.unwrap();
        }
        std::process::exit(9);
    });
}

fn panic_in_a_task_of_the_host_is_its_own() {
    with_ocaml(async |ocaml| {
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        let other = protocol.clone();
        let panics = tokio::spawn(async move {
            let call = other.apply(block("a"));
            let _ = tokio::time::timeout(Duration::ZERO, call).await;
            panic!("the task's");
        });
        assert!(panics.await.unwrap_err().is_panic());
        assert_eq!(protocol.apply(block("a")).await.unwrap().applied, 1);
        let at_home = ocaml
            .handle()
            .spawn(async { panic!("the task's, at home") });
        assert!(at_home.await.map(|never: ()| never).is_err());
        assert_eq!(protocol.apply(block("a")).await.unwrap().applied, 1);
    });
}

fn panic_in_main_ends_the_process() {
    tokio(async {
        let ocaml = host::start().await.unwrap();
        drop(tokio::spawn(ocaml.get::<dyn Kinds>().unwrap().forever()));
        panic!("the host's");
    });
}
