//! Calls of interfaces.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use futures_lite::StreamExt;
use interop_host::{Block, Counter, Kinds, Protocol, Receipt, Refused, block};
use ocaml_lwt_interop::host::Options;
use ocaml_lwt_interop::{SendRustStream, interface};
use tokio::task::{JoinSet, yield_now};

use super::{Law, law, with_ocaml};

pub fn laws() -> Vec<Law> {
    vec![
        law!(call_from_every_place_gives_its_value),
        law!(typed_error_is_a_result),
        law!(exception_is_an_error_and_keeps_its_identity),
        law!(exception_without_a_place_is_a_panic),
        law!(dropped_future_cancels_the_promise),
        law!(streams_options_and_objects_cross),
        law!(implementations_have_names),
        law!(what_was_not_provided_is_told),
        law!(rust_implements_an_interface_too),
        law!(ready_calls_in_one_poll_starve_nobody),
        law!(task_at_home_that_is_always_ready_gives_way),
        law!(ten_thousand_calls_at_a_time),
        law!(allocation_between_calls_moves_what_it_likes),
        law!(interface_of_another_crate_is_not_there),
        law!(recursion_without_end_is_an_exception),
    ]
}

fn receipt() -> Receipt {
    Receipt {
        height: 1,
        applied: 1,
    }
}

fn call_from_every_place_gives_its_value() {
    with_ocaml(async |ocaml| {
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        assert_eq!(protocol.apply(block("a")).await.unwrap(), receipt());
        let of_task = tokio::spawn(protocol.apply(block("a"))).await;
        assert_eq!(of_task.unwrap().unwrap(), receipt());
        let of_blocking = protocol.clone();
        let version = tokio::task::spawn_blocking(move || of_blocking.version()).await;
        assert_eq!(version.unwrap(), "4.2");
        let of_thread = protocol.clone();
        let thread = std::thread::spawn(move || {
            let receipt = futures_lite::future::block_on(of_thread.apply(block("a")));
            (of_thread.version(), receipt.unwrap())
        });
        assert_eq!(thread.join().unwrap(), ("4.2".to_owned(), receipt()));
        let at_home = protocol.clone();
        let at_home = ocaml.handle().spawn(async move {
            let receipt = at_home.apply(block("a")).await;
            (at_home.version(), receipt.unwrap())
        });
        assert_eq!(at_home.await.unwrap(), ("4.2".to_owned(), receipt()));
        assert_eq!(protocol.version(), "4.2", "from a task, which it blocks");
    });
}

fn typed_error_is_a_result() {
    with_ocaml(async |ocaml| {
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        let operations = Vec::new();
        let refused = protocol
            .apply(Block {
                height: 7,
                operations,
            })
            .await;
        assert!(
            matches!(refused, Err(Refused::Empty { height: 7 })),
            "{refused:?}"
        );
    });
}

fn exception_is_an_error_and_keeps_its_identity() {
    with_ocaml(async |ocaml| {
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        match protocol.apply(block("raise")).await {
            Err(Refused::Failed(error)) => assert!(error.to_string().contains("raised by OCaml")),
            other => panic!("{other:?}"),
        }
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        let error = kinds.raise().await.unwrap_err();
        assert!(
            error.exception().unwrap().name().ends_with("Own"),
            "{error}"
        );
        assert!(kinds.keeps_identity().await.unwrap());
    });
}

fn exception_without_a_place_is_a_panic() {
    with_ocaml(async |ocaml| {
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        let other = kinds.clone();
        let panic = tokio::spawn(async move { other.raise_without_place() }).await;
        let panic = panic.unwrap_err().into_panic();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(
            message.starts_with("Kinds::raise_without_place failed"),
            "{message}"
        );
        assert!(message.contains("raised by OCaml"), "{message}");
        assert_eq!(kinds.cancelled(), 0, "and OCaml goes on");
    });
}

fn dropped_future_cancels_the_promise() {
    with_ocaml(async |ocaml| {
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        // Dropped before its first poll, it calls nothing.
        drop(kinds.forever());
        for _ in 0..10 {
            let late = tokio::time::timeout(Duration::from_millis(1), kinds.forever()).await;
            assert!(late.is_err());
        }
        let task = tokio::spawn(kinds.forever());
        yield_now().await;
        task.abort();
        let _ = task.await;
        // One more that has begun for sure.
        let begun = tokio::time::timeout(Duration::from_millis(20), kinds.forever()).await;
        assert!(begun.is_err());
        while kinds.cancelled() < 10 {
            yield_now().await;
        }
    });
}

fn streams_options_and_objects_cross() {
    with_ocaml(async |ocaml| {
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        let numbers: Vec<_> = kinds.count_to(1000).map(Result::unwrap).collect().await;
        assert_eq!(numbers, (1..=1000).collect::<Vec<_>>());
        let numbers = SendRustStream::new(futures_lite::stream::iter(1..=1000));
        assert_eq!(kinds.sum(numbers).await.unwrap(), 500_500);
        let counter = ocaml_lwt_interop::Object::new(Counter(AtomicIsize::new(0)));
        kinds.add_to(counter.clone(), 100).await.unwrap();
        assert_eq!(counter.0.load(Ordering::Relaxed), 100);
        assert_eq!(kinds.repeat(Some(3), "a".into(), ()).await.unwrap(), "aaa");
        assert_eq!(kinds.repeat(None, "a".into(), ()).await.unwrap(), "aa");
    });
}

fn implementations_have_names() {
    with_ocaml(async |ocaml| {
        let other = ocaml.get_named::<dyn Protocol>("other").unwrap();
        assert_eq!(other.version(), "5.0");
        assert_eq!(ocaml.get::<dyn Protocol>().unwrap().version(), "4.2");
    });
}

fn what_was_not_provided_is_told() {
    with_ocaml(async |ocaml| {
        let none = ocaml
            .get_named::<dyn Protocol>("none")
            .unwrap_err()
            .to_string();
        for part in [
            "no interop_host::Protocol named \"none\"",
            "interop_host::Kinds",
            "interop_host::Protocol named \"other\"",
        ] {
            assert!(none.contains(part), "{none}");
        }
    });
}

/// Nobody provides it.
#[interface]
#[allow(dead_code)]
trait Unknown {
    async fn f(&self) -> Result<(), ocaml_lwt_interop::Error>;
}

fn interface_of_another_crate_is_not_there() {
    with_ocaml(async |ocaml| {
        let unknown = ocaml.get::<dyn Unknown>();
        assert!(
            unknown.is_err_and(|error| error.to_string().contains("host::laws::calls::Unknown"))
        );
    });
}

struct OfRust;

impl Protocol for OfRust {
    fn apply(&self, block: Block) -> interface::Call<Result<Receipt, Refused>> {
        Box::pin(async move {
            Ok(Receipt {
                height: block.height,
                applied: 0,
            })
        })
    }

    fn version(&self) -> String {
        "of Rust".to_owned()
    }
}

fn rust_implements_an_interface_too() {
    super::tokio(async {
        let protocol: Arc<dyn Protocol> = Arc::new(OfRust);
        assert_eq!(protocol.apply(block("a")).await.unwrap().applied, 0);
        assert_eq!(protocol.version(), "of Rust");
    });
}

fn ready_calls_in_one_poll_starve_nobody() {
    with_ocaml(async |ocaml| {
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        let calls = tokio::spawn(kinds.ready_calls(300_000));
        // Tokio's tasks go on meanwhile, timers among them.
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(calls.await.unwrap().unwrap(), 300_000);
    });
}

fn task_at_home_that_is_always_ready_gives_way() {
    with_ocaml(async |ocaml| {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        for i in 0..300_000 {
            sender.send(i).unwrap();
        }
        drop(sender);
        let drains = ocaml.handle().spawn(async move {
            let mut count = 0;
            while receiver.recv().await.is_some() {
                count += 1;
            }
            count
        });
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        for _ in 0..10 {
            assert_eq!(protocol.apply(block("a")).await.unwrap(), receipt());
        }
        assert_eq!(drains.await.unwrap(), 300_000);
    });
}

fn ten_thousand_calls_at_a_time() {
    with_ocaml(async |ocaml| {
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        let mut calls = JoinSet::new();
        for _ in 0..10_000 {
            calls.spawn(protocol.apply(block("a")));
        }
        let mut count = 0;
        while let Some(ended) = calls.join_next().await {
            assert_eq!(ended.unwrap().unwrap(), receipt());
            count += 1;
        }
        assert_eq!(count, 10_000);
    });
}

fn allocation_between_calls_moves_what_it_likes() {
    with_ocaml(async |ocaml| {
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        let protocol = ocaml.get::<dyn Protocol>().unwrap();
        let mut allocates = JoinSet::new();
        for _ in 0..10 {
            allocates.spawn(kinds.allocate(5_000));
            for _ in 0..20 {
                assert_eq!(protocol.apply(block("a")).await.unwrap(), receipt());
            }
        }
        while let Some(lists) = allocates.join_next().await {
            assert_eq!(lists.unwrap().unwrap(), 5_000);
        }
    });
}

fn recursion_without_end_is_an_exception() {
    super::tokio(async {
        // OCaml 5 has a stack of its own, which grows up to so many words.
        let ocaml = Options::new()
            .ocamlrunparam("b,l=1M")
            .start()
            .await
            .unwrap();
        let kinds = ocaml.get::<dyn Kinds>().unwrap();
        for _ in 0..3 {
            let error = kinds.deep().await.unwrap_err();
            assert!(error.is_exception("Stack_overflow"), "{error}");
        }
        ocaml.shutdown().await;
    });
}
