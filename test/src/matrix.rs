//! Both directions, every ending, every place; the table is in `../test_matrix.ml`.

use std::fmt;

use ocaml_lwt_interop::{
    Error, FromOCaml, OCamlAsyncFunc, Promise, PromiseFuture, Resolver, handle, ocaml_runtime,
};

use crate::probe::{Nap, Place, Wait, probe, saw};

/// How a future ends; `ending` in `test_matrix.ml`.
#[derive(Clone, Copy, Debug, FromOCaml)]
pub enum Ending {
    Value,
    Error,
    Panic,
    Dropped,
}

const VALUE: isize = 42;

/// An error with a cause.
#[derive(Debug)]
pub struct ProbeError(std::io::Error);

impl ProbeError {
    pub fn new() -> Self {
        ProbeError(std::io::Error::other("disk on fire"))
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the probe failed")
    }
}

impl std::error::Error for ProbeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// rust_to_lwt: a function, whose work is done in a place, after a wait.
#[ocaml_lwt_interop::func]
pub async fn matrix_function(
    place: Place,
    wait: Wait,
    ending: Ending,
    nap: Nap,
) -> Result<isize, Error> {
    if let Ending::Dropped = ending {
        return place.run(aborted(handle(), wait, nap)).await;
    }
    let work = async move {
        wait.wait(&nap).await?;
        match ending {
            Ending::Value => Ok(VALUE),
            Ending::Error => Err(ProbeError::new().into()),
            Ending::Panic | Ending::Dropped => panic!("the probe panicked"),
        }
    };
    place.run(probe(place, work)).await
}

/// A task on the domain thread that is aborted from here.
async fn aborted(home: ocaml_lwt_interop::Handle, wait: Wait, nap: Nap) -> Result<isize, Error> {
    let task = home.spawn(probe(Place::Domain, std::future::pending()));
    wait.wait(&nap).await?;
    task.abort();
    task.await
}

/// rust_to_lwt: a promise that is settled by its resolver in a place, after a wait.
#[ocaml_lwt_interop::func]
pub fn matrix_resolver(place: Place, wait: Wait, ending: Ending, nap: Nap) -> Promise<isize> {
    let (promise, resolver) = Promise::new(&ocaml_runtime());
    place.start(probe(place, settle(resolver, wait, ending, nap)));
    promise
}

async fn settle(resolver: Resolver<isize>, wait: Wait, ending: Ending, nap: Nap) {
    wait.wait(&nap).await.expect("a nap ends");
    match ending {
        Ending::Value => resolver.resolve(VALUE),
        Ending::Error => resolver.reject(ProbeError::new().into()),
        Ending::Panic => panic!("the probe panicked"),
        Ending::Dropped => drop(resolver),
    }
}

/// lwt_to_rust: a promise, awaited in a place.
#[ocaml_lwt_interop::func]
pub async fn matrix_promise(place: Place, promise: Promise<isize>) -> Result<isize, Error> {
    let future: PromiseFuture<isize> = promise.into_future();
    place.run(probe(place, async { saw(future.await) })).await
}

/// lwt_to_rust: a function, called in a place, and its promise awaited there.
#[ocaml_lwt_interop::func]
pub async fn matrix_call(
    place: Place,
    function: OCamlAsyncFunc<(isize,), isize>,
) -> Result<isize, Error> {
    let call = async move { saw(function.call((VALUE,)).await) };
    place.run(probe(place, call)).await
}

/// A promise that is rejected because Rust panicked.
#[ocaml_lwt_interop::func]
pub fn matrix_panicked() -> isize {
    panic!("the source panicked")
}

/// A promise that is rejected because Rust dropped its resolver.
#[ocaml_lwt_interop::func]
pub fn matrix_broken() -> Promise<isize> {
    Promise::new(&ocaml_runtime()).0
}

/// A promise that a Tokio timer resolves.
#[ocaml_lwt_interop::func]
pub async fn matrix_tokio_nap() {
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
}
