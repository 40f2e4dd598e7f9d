//! What is around a host: signals, children, worker domains; and OCaml's runtime started by other means.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use interop_host::{Kinds, Protocol, block};
use ocaml_lwt_interop::host::{self, Ended};

use super::{Law, law, tokio, with_ocaml};

pub fn laws() -> Vec<Law> {
    vec![
        law!(interrupt_under_load_loses_nothing_acknowledged),
        law!(children_of_both_sides_are_heard_of),
        law!(child_of_a_fork_exits_for_itself),
        law!(job_on_a_worker_domain_has_its_value),
        law!(ocaml_in_block_on_is_refused, code: 2, stderr: &["host::start"]),
        law!(ocaml_in_a_task_is_refused, code: 2, stderr: &["host::start"]),
        law!(ocaml_on_a_thread_of_its_own_is_not_refused),
    ]
}

fn interrupt_under_load_loses_nothing_acknowledged() {
    tokio(async {
        let mut interrupt =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).unwrap();
        let ocaml = host::start().await.unwrap();
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let load: Vec<_> = (0..100)
            .map(|_| {
                let (protocol, acknowledged) = (protocol.clone(), acknowledged.clone());
                tokio::spawn(async move {
                    let mut own = 0;
                    while let Ok(receipt) = protocol.apply(block("a")).await {
                        assert_eq!(receipt.applied, 1);
                        acknowledged.fetch_add(1, Ordering::SeqCst);
                        own += 1;
                    }
                    own
                })
            })
            .collect();
        while acknowledged.load(Ordering::SeqCst) < 1000 {
            tokio::task::yield_now().await;
        }
        assert!(
            std::process::Command::new("sh")
                .args(["-c", "kill -INT $PPID"])
                .status()
                .unwrap()
                .success()
        );
        interrupt.recv().await.unwrap();
        assert_eq!(ocaml.shutdown().await, Ended::ShutDown);
        let mut sum = 0;
        for task in load {
            sum += task.await.unwrap();
        }
        assert_eq!(sum, acknowledged.load(Ordering::SeqCst));
    });
}

fn children_of_both_sides_are_heard_of() {
    tokio(async {
        // Tokio has its handler of SIGCHLD before Lwt has one.
        let sh = |code: i32| {
            tokio::process::Command::new("sh")
                .args(["-c", &format!("exit {code}")])
                .status()
        };
        assert_eq!(sh(1).await.unwrap().code(), Some(1));
        let ocaml = host::start().await.unwrap();
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        for _ in 0..3 {
            assert_eq!(kinds.child_exits(3).await.unwrap(), 3);
            assert_eq!(sh(2).await.unwrap().code(), Some(2));
        }
        ocaml.shutdown().await;
        assert_eq!(sh(4).await.unwrap().code(), Some(4));
    });
}

fn child_of_a_fork_exits_for_itself() {
    with_ocaml(async |ocaml| {
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        assert_eq!(kinds.child_exits(5).await.unwrap(), 5);
        assert!(ocaml.is_running());
        assert_eq!(ocaml.get::<dyn Protocol>().unwrap().version(), "4.2");
    });
}

fn job_on_a_worker_domain_has_its_value() {
    with_ocaml(async |ocaml| {
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        let value = kinds.on_a_domain(42).await.unwrap();
        assert!([42, -1].contains(&value));
    });
}

/// Starts OCaml's runtime without `host::start`. What it raises goes to standard error.
fn without_host() {
    ocaml::init_persistent();
}

fn ocaml_in_block_on_is_refused() {
    tokio(async { without_host() });
}

fn ocaml_in_a_task_is_refused() {
    tokio(async { tokio::spawn(async { without_host() }).await.unwrap() });
}

fn ocaml_on_a_thread_of_its_own_is_not_refused() {
    std::thread::spawn(without_host).join().unwrap();
}
