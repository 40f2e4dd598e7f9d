//! `#[func(tokio)]` and `#[func(blocking)]`; see `../test_on_tokio.ml`.

use std::sync::{Condvar, Mutex};

use futures_lite::future::{block_on, yield_now};
use ocaml_lwt_interop::{Error, OCamlAsyncFunc, OCamlFunc, func, handle};

use crate::cancel::Endless;
use crate::endings::{Bomb, error, ocaml_error_without_value, panic, result, yield_if};
use crate::probe::{Nap, Place, probe};

// Endings.

#[func(tokio)]
pub async fn on_tokio_error_on_workers(which: isize, yields: bool) -> Result<isize, Error> {
    yield_if(yields).await;
    error(which)
}

#[func(blocking)]
pub fn on_tokio_error_blocking(which: isize) -> Result<isize, Error> {
    error(which)
}

#[func(tokio)]
pub async fn on_tokio_ocaml_error_on_workers(
    which: isize,
    yields: bool,
) -> Result<isize, ocaml::Error> {
    yield_if(yields).await;
    Err(ocaml_error_without_value(which))
}

#[func(blocking)]
pub fn on_tokio_ocaml_error_blocking(which: isize) -> Result<isize, ocaml::Error> {
    Err(ocaml_error_without_value(which))
}

/// With a value of OCaml's in it; one without a root, so that nothing is wrong with it but the place.
#[func(tokio)]
pub fn on_tokio_ocaml_error_with_a_value() -> Result<isize, ocaml::Error> {
    Err(ocaml::CamlError::SysError(ocaml::Value::Raw(ocaml::sys::UNIT)).into())
}

#[func(tokio)]
pub async fn on_tokio_result_on_workers(ok: bool, yields: bool) -> Result<isize, String> {
    yield_if(yields).await;
    result(ok)
}

#[func(blocking)]
pub fn on_tokio_result_blocking(ok: bool) -> Result<isize, String> {
    result(ok)
}

#[func(tokio)]
pub async fn on_tokio_pass_on_workers(
    function: OCamlAsyncFunc<(), isize>,
    yields: bool,
) -> Result<isize, Error> {
    yield_if(yields).await;
    function.call(()).await
}

#[func(blocking)]
pub fn on_tokio_pass_blocking(function: OCamlAsyncFunc<(), isize>) -> Result<isize, Error> {
    block_on(function.call(()))
}

#[func(tokio)]
pub async fn on_tokio_panic_on_workers(which: isize, yields: bool) -> Bomb {
    yield_if(yields).await;
    panic(which)
}

#[func(blocking)]
pub fn on_tokio_panic_blocking(which: isize) -> Bomb {
    panic(which)
}

/// An error whose text panics, on the way home.
#[derive(Debug)]
pub struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("in its text")
    }
}

impl std::error::Error for Unspeakable {}

#[func(tokio)]
pub fn on_tokio_unspeakable() -> Result<(), Error> {
    Err(Unspeakable.into())
}

// Where the body runs, and what crosses.

#[func(tokio)]
pub async fn on_tokio_text_on_workers(text: String, yields: bool) -> String {
    probe(Place::Tokio, yield_if(yields)).await;
    text
}

#[func(blocking)]
pub fn on_tokio_text_blocking(text: String) -> String {
    assert!(Place::here() == Place::Tokio);
    text
}

#[func(tokio)]
pub fn on_tokio_nothing_on_workers() {}

#[func(blocking)]
pub fn on_tokio_nothing_blocking() {}

#[func(tokio)]
pub async fn on_tokio_home_on_workers(f: OCamlFunc<(isize,), isize>) -> Result<isize, Error> {
    yield_now().await;
    handle().call(move |runtime| f.call(runtime, (41,))).await?
}

#[func(blocking)]
pub fn on_tokio_home_blocking(f: OCamlFunc<(isize,), isize>) -> Result<isize, Error> {
    handle().run_blocking(|runtime| f.call(runtime, (41,)))?
}

#[func(tokio, name = "on_tokio_seven")]
#[allow(clippy::too_many_arguments)]
pub fn seven(a: isize, b: isize, c: isize, d: isize, e: isize, f: isize, g: isize) -> isize {
    a + b + c + d + e + f + g
}

// Cancellation.

#[func(tokio)]
pub async fn on_tokio_endless(endless: Endless, promise: Nap) -> Result<(), Error> {
    probe(Place::Tokio, endless.wait(&promise)).await
}

#[func(tokio, cancel = "detach")]
pub async fn on_tokio_detached(nap: Nap) -> Result<(), Error> {
    let body = async {
        nap.call(()).await?;
        GATE.update(|passed| passed.ended += 1);
        Ok(())
    };
    probe(Place::Tokio, body).await
}

/// Yields that often.
#[func(tokio)]
pub async fn on_tokio_yields(times: isize) -> isize {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
    times
}

/// A gate at which bodies block their threads.
struct Gate {
    passed: Mutex<Passed>,
    changed: Condvar,
}

struct Passed {
    open: bool,
    /// Bodies that came to the gate.
    began: isize,
    /// Bodies that went on to their end.
    ended: isize,
}

static GATE: Gate = Gate {
    passed: Mutex::new(Passed {
        open: false,
        began: 0,
        ended: 0,
    }),
    changed: Condvar::new(),
};

impl Gate {
    fn update(&self, f: impl FnOnce(&mut Passed)) {
        f(&mut self.passed.lock().unwrap());
        self.changed.notify_all();
    }

    fn pass(&self) {
        self.update(|passed| passed.began += 1);
        let passed = self.passed.lock().unwrap();
        drop(self.changed.wait_while(passed, |passed| !passed.open));
    }
}

#[func]
pub fn on_tokio_gate_close() {
    GATE.update(|passed| {
        *passed = Passed {
            open: false,
            began: 0,
            ended: 0,
        };
    });
}

#[func]
pub fn on_tokio_gate_open() {
    GATE.update(|passed| passed.open = true);
}

#[func]
pub fn on_tokio_gate_passed() -> (isize, isize) {
    let passed = GATE.passed.lock().unwrap();
    (passed.began, passed.ended)
}

#[func(tokio)]
pub async fn on_tokio_gate_on_workers() -> isize {
    let body = async {
        GATE.pass();
        yield_now().await;
        GATE.update(|passed| passed.ended += 1);
        7
    };
    probe(Place::Tokio, body).await
}

#[func(blocking)]
pub fn on_tokio_gate_blocking() -> isize {
    GATE.pass();
    GATE.update(|passed| passed.ended += 1);
    7
}
