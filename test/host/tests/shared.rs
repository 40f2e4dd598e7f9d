//! Several tests with OCaml inside, in one process: each has a Tokio runtime of its own.

use interop_host::{Protocol, block};
use ocaml_lwt_interop::{Provided, host};

async fn protocol() -> Provided<dyn Protocol> {
    let ocaml = host::shared().await.expect("OCaml starts");
    ocaml.get::<dyn Protocol>().expect("it is provided")
}

#[tokio::test]
async fn version_is_that_of_ocaml() {
    assert_eq!(protocol().await.version(), "4.2");
}

#[tokio::test]
async fn block_is_applied() {
    assert_eq!(protocol().await.apply(block("a")).await.unwrap().applied, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_applied_by_tasks() {
    let protocol = protocol().await;
    let calls: Vec<_> = (0..100)
        .map(|_| tokio::spawn(protocol.apply(block("a"))))
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().applied, 1);
    }
}
