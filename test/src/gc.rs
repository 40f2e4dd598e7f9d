//! What the GC tests need beside the functions of the other modules; see `../test_gc.ml`.

use futures_lite::future::{pending, poll_once, yield_now};
use ocaml_lwt_interop::{
    ByteBuf, Error, OCamlAsyncFunc, OCamlFunc, OCamlValue, Promise, Stats, ocaml_runtime,
};

use crate::endings::yield_if;
use crate::probe::Place;

/// Hands one of everything to Tokio's workers, where each is dropped at its own time, beside whatever OCaml does. Six
/// drops of handles, two of futures.
#[ocaml_lwt_interop::func]
pub async fn gc_race(
    promise: Promise<isize>,
    awaited: Promise<isize>,
    function: OCamlAsyncFunc<(isize,), isize>,
    called: OCamlAsyncFunc<(isize,), isize>,
    rejected: Promise<isize>,
    value: OCamlValue,
    turns: isize,
) {
    let (settled, resolver) = Promise::<isize>::new(&ocaml_runtime());
    let error = rejected.await.expect_err("it is rejected");
    // Polled here, dropped there; and polled there, dropped there.
    let mut awaited = awaited.into_future();
    assert!(poll_once(&mut awaited).await.is_none());
    let call = async move {
        let mut call = called.call((7,));
        drop(poll_once(&mut call).await);
    };
    drop_later(promise, turns);
    drop_later(awaited, turns + 1);
    drop_later(function, turns + 2);
    drop_later(error, turns + 3);
    drop_later(value, turns);
    drop_later(resolver, turns + 1);
    drop_later(settled, turns + 2);
    tokio::spawn(call);
}

fn drop_later<T: Send + 'static>(value: T, turns: isize) {
    tokio::spawn(async move {
        for _ in 0..turns {
            yield_now().await;
        }
        drop(value);
    });
}

/// Drops values one after the other, in a place.
#[ocaml_lwt_interop::func]
pub fn gc_drop_one_by_one(place: Place, values: Vec<OCamlValue>) {
    place.start(async {
        for value in values {
            drop(value);
            std::hint::spin_loop();
        }
    });
}

/// A future that is dropped with everything that it holds, by its cancellation.
#[ocaml_lwt_interop::func]
pub async fn gc_hold(
    _promise: Promise<isize>,
    _function: OCamlAsyncFunc<(isize,), isize>,
    value: OCamlValue,
    _bytes: ByteBuf,
) -> OCamlValue {
    pending::<()>().await;
    value
}

type Made = (String, Option<Vec<f64>>, ByteBuf);

/// Values that Rust makes, one after the other: each must survive the making of the next.
#[ocaml_lwt_interop::func]
pub async fn gc_make(text: String, yields: bool) -> Vec<Made> {
    yield_if(yields).await;
    (0..10)
        .map(|i| {
            (
                format!("{text} {i}"),
                Some(vec![f64::from(i); 3]),
                ByteBuf::from(text.as_bytes()),
            )
        })
        .collect()
}

/// Calls an OCaml function in the middle of the poll, while values of OCaml's live in the future.
#[ocaml_lwt_interop::func]
pub async fn gc_in_between(
    value: ocaml::Value,
    collect: OCamlFunc<(), ()>,
    yields: bool,
) -> Result<(ocaml::Value, ocaml::Value), Error> {
    collect.call(&ocaml_runtime(), ())?;
    let copy = value.clone();
    yield_if(yields).await;
    collect.call(&ocaml_runtime(), ())?;
    Ok((value, copy))
}

/// The numbers of `Rust_async.stats`, as Rust reads them.
#[ocaml_lwt_interop::func]
pub fn gc_stats() -> (isize, isize, isize) {
    let Stats {
        tasks,
        subscriptions,
        roots,
        objects: _,
        loans: _,
    } = Stats::now();
    (tasks as isize, subscriptions as isize, roots as isize)
}
