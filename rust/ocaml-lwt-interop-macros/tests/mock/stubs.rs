//! The stubs' functions: each polls once, and records what it was asked for and how that ended.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::__private::{
    Arguments, CALLS, Call, Ending, Outcome, Raw, Refused, Runs, RustStream, Signature, ToValue,
    VALUES,
};

/// Nothing is looked at before it is converted.
pub struct Called;

/// Nothing is raised.
pub type Raised = Infallible;

/// # Safety
///
/// The real one is called by OCaml alone; this one needs nothing.
pub unsafe fn run<const N: usize>(
    arguments: [Raw; N],
    body: impl FnOnce(Called, [Raw; N]) -> Result<Raw, Raised>,
) -> Raw {
    match body(Called, arguments) {
        Ok(result) => result,
        Err(never) => match never {},
    }
}

pub fn rust_to_lwt_stream<const N: usize, T: ToValue>(
    _called: Called,
    arguments: [Raw; N],
    signature: &'static Signature,
    make: impl FnOnce(&Arguments) -> Result<RustStream<T>, Refused>,
) -> Result<Raw, Raised> {
    let make = |arguments: &Arguments| make(arguments).map(std::future::ready);
    record(signature, Runs::AtOnce, arguments, make, |stream| {
        Outcome(Ok(stream))
    })
}

pub const fn argument_is_send<T: Send>() {}

pub fn rust_to_lwt<const N: usize, F, T, E>(
    _called: Called,
    arguments: [Raw; N],
    signature: &'static Signature,
    make: impl FnOnce(&Arguments) -> Result<F, Refused>,
    ending: E,
) -> Result<Raw, Raised>
where
    F: Future + 'static,
    T: ToValue,
    E: FnOnce(F::Output) -> Outcome<T> + 'static,
{
    record(signature, Runs::AtHome, arguments, make, ending)
}

pub fn rust_to_lwt_on_workers<const N: usize, F, T, E>(
    _called: Called,
    arguments: [Raw; N],
    signature: &'static Signature,
    make: impl FnOnce(&Arguments) -> Result<F, Refused>,
    ending: E,
) -> Result<Raw, Raised>
where
    F: Future + Send + 'static,
    T: ToValue + Send,
    E: FnOnce(F::Output) -> Outcome<T> + Send + 'static,
{
    record(signature, Runs::OnWorkers, arguments, make, ending)
}

pub fn rust_to_lwt_on_blocking_pool<const N: usize, B, R, T, E>(
    _called: Called,
    arguments: [Raw; N],
    signature: &'static Signature,
    make: impl FnOnce(&Arguments) -> Result<B, Refused>,
    ending: E,
) -> Result<Raw, Raised>
where
    B: FnOnce() -> R + Send + 'static,
    T: ToValue + Send,
    E: FnOnce(R) -> Outcome<T> + Send + 'static,
{
    let make = |arguments: &Arguments| make(arguments).map(|body| async { body() });
    record(signature, Runs::OnBlockingPool, arguments, make, ending)
}

pub fn call_at_once<const N: usize, R, T, E>(
    _called: Called,
    arguments: [Raw; N],
    signature: &'static Signature,
    make: impl FnOnce(&Arguments) -> Result<R, Refused>,
    ending: E,
) -> Result<Raw, Raised>
where
    T: ToValue,
    E: FnOnce(R) -> Outcome<T>,
{
    let make = |arguments: &Arguments| make(arguments).map(std::future::ready);
    record(signature, Runs::AtOnce, arguments, make, ending)
}

fn record<const N: usize, F: Future, T: ToValue>(
    signature: &Signature,
    runs: Runs,
    arguments: [Raw; N],
    make: impl FnOnce(&Arguments) -> Result<F, Refused>,
    ending: impl FnOnce(F::Output) -> Outcome<T>,
) -> Result<Raw, Raised> {
    let value = |raw: Raw| VALUES.with_borrow(|values| values[raw.0 as usize].clone());
    let ending = match make(&Arguments(arguments.map(value).to_vec())) {
        Err(refused) => Ending::Raised(refused),
        Ok(future) => match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => match ending(output) {
                Outcome(Ok(value)) => Ending::Value(value.show()),
                Outcome(Err(ending)) => ending,
            },
            Poll::Pending => Ending::Pending,
        },
    };
    CALLS.with_borrow_mut(|calls| {
        calls.push(Call {
            signature: signature.clone(),
            runs,
            ending,
        });
        Ok(Raw(calls.len() as isize - 1))
    })
}
