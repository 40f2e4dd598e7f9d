//! What ends a future, in detail: errors of every type, exceptions, panics wherever user code runs.

use std::pin::Pin;
use std::task::{Context, Poll};

use ocaml::{Raw, Runtime, ToValue, Value};
use ocaml_lwt_interop::{Error, OCamlAsyncFunc, Promise, ToOCaml, ocaml_runtime, spawn_local};

use crate::matrix::ProbeError;

/// Functions that give back what they take, at once or after a yield.
macro_rules! echo {
    ($($name:ident: $ty:ty;)*) => {$(
        #[ocaml_lwt_interop::func]
        pub async fn $name(value: $ty, yields: bool) -> $ty {
            $crate::endings::yield_if(yields).await;
            value
        }
    )*};
}
pub(crate) use echo;

/// Ready at once, or after a yield.
pub async fn yield_if(yields: bool) {
    if yields {
        futures_lite::future::yield_now().await;
    }
}

/// Errors of Rust's, by `?`.
#[ocaml_lwt_interop::func]
pub async fn endings_error(which: isize, yields: bool) -> Result<isize, Error> {
    yield_if(yields).await;
    error(which)
}

pub fn error(which: isize) -> Result<isize, Error> {
    Ok(match which {
        0 => return Err(Error::msg("only a message")),
        1 => return Err(ProbeError::new().into()),
        2 => "seven".parse::<i32>()? as isize,
        3 => Err(std::io::Error::other(ProbeError::new()))?,
        _ => 0,
    })
}

/// Every error of ocaml-rs's.
fn ocaml_error(which: isize, exception: Value) -> ocaml::Error {
    use ocaml::CamlError::*;
    // SAFETY: OCaml called, and holds the lock
    let text = || unsafe { Value::string("some text") };
    match which {
        9 => SysError(text()).into(),
        14 => Exception(exception).into(),
        15 => WithArg(ocaml::Error::named("test.refused").unwrap(), text()).into(),
        _ => ocaml_error_without_value(which),
    }
}

/// Those that hold no value of OCaml's.
pub fn ocaml_error_without_value(which: isize) -> ocaml::Error {
    use ocaml::CamlError::*;
    match which {
        0 => ocaml::Error::Message("some text"),
        1 => ocaml::Error::NotCallable,
        2 => ocaml::Error::NotDoubleArray,
        3 => ocaml::Error::Error(Box::new(ProbeError::new())),
        4 => NotFound.into(),
        5 => Failure("some text").into(),
        6 => InvalidArgument("some text").into(),
        7 => OutOfMemory.into(),
        8 => StackOverflow.into(),
        10 => EndOfFile.into(),
        11 => ZeroDivide.into(),
        12 => ArrayBoundError.into(),
        _ => SysBlockedIo.into(),
    }
}

#[ocaml_lwt_interop::func]
pub async fn endings_ocaml_error(
    which: isize,
    exception: Value,
    yields: bool,
) -> Result<isize, ocaml::Error> {
    yield_if(yields).await;
    Err(ocaml_error(which, exception))
}

/// The same error, raised by ocaml-rs itself: a synchronous function.
#[unsafe(no_mangle)]
extern "C" fn endings_raised_by_ocaml_rs(which: Raw, exception: Raw) -> Raw {
    // SAFETY: OCaml calls, with an int and an exception
    let runtime = unsafe { Runtime::recover_handle() };
    // SAFETY: as above
    let (which, exception) = unsafe { (Value::new(which).int_val(), Value::new(exception)) };
    let result: Result<isize, ocaml::Error> = Err(ocaml_error(which, exception));
    result.to_value(runtime).raw()
}

/// Every other result is a value.
#[ocaml_lwt_interop::func]
pub async fn endings_result(ok: bool, yields: bool) -> Result<isize, String> {
    yield_if(yields).await;
    result(ok)
}

pub fn result(ok: bool) -> Result<isize, String> {
    if ok {
        Ok(42)
    } else {
        Err("refused".to_owned())
    }
}

#[ocaml_lwt_interop::func]
pub async fn endings_pass(
    function: OCamlAsyncFunc<(), isize>,
    yields: bool,
) -> Result<isize, Error> {
    yield_if(yields).await;
    function.call(()).await
}

/// What Rust can read of an exception: its name, its message, its second argument.
#[ocaml_lwt_interop::func]
pub async fn endings_read(promise: Promise<isize>) -> (String, String, Option<String>) {
    let error = promise.await.expect_err("it is rejected");
    let exception = error.exception().expect("with an exception");
    // The printer's text and the value stay readable after other exceptions.
    futures_lite::future::yield_now().await;
    (
        exception.name().to_owned(),
        error.to_string(),
        exception.argument(&ocaml_runtime(), 1),
    )
}

/// Handles one exception and lets the others pass.
#[ocaml_lwt_interop::func]
pub async fn endings_handle(promise: Promise<isize>) -> Result<isize, Error> {
    match promise.await {
        Err(error) if error.is_exception("Not_found") => Ok(-1),
        Err(error) if error.is_canceled() => Ok(-2),
        Err(error) if error.is_broken_promise() => Ok(-3),
        other => other,
    }
}

/// Raises an exception that OCaml defined and registered.
#[ocaml_lwt_interop::func]
pub async fn endings_registered(name: String, yields: bool) -> Result<isize, Error> {
    yield_if(yields).await;
    Err(Error::registered(&name, ("by Rust",)))
}

#[ocaml_lwt_interop::func]
pub async fn endings_from_value(exception: Value, yields: bool) -> Result<isize, Error> {
    yield_if(yields).await;
    Err(Error::from_exception_value(exception))
}

/// By way of code that knows nothing of OCaml and boxes its errors.
#[ocaml_lwt_interop::func]
pub async fn endings_boxed(exception: Value, yields: bool) -> Result<isize, Error> {
    let boxed = Error::from_exception_value(exception).into_std();
    yield_if(yields).await;
    Err(Error::from_std(boxed))
}

/// Panics, one for each kind of code that can.
#[ocaml_lwt_interop::func]
pub async fn endings_panic(which: isize, yields: bool) -> Bomb {
    yield_if(yields).await;
    panic(which)
}

pub fn panic(which: isize) -> Bomb {
    match which {
        0 => panic!("plain text"),
        1 => panic!("formatted {}", 7),
        2 => std::panic::panic_any(7),
        3 => std::panic::panic_any(Bomb::InItsDestructor),
        4 => Bomb::InItsConversion,
        5 => Bomb::InItsDestructor,
        _ => {
            let _bomb = Bomb::InItsDestructor;
            Bomb::None
        }
    }
}

/// The line of the first panic of `panic`.
#[ocaml_lwt_interop::func]
pub fn endings_panic_line() -> isize {
    let source = include_str!("endings.rs");
    let line = source
        .lines()
        .position(|line| line.contains("panic!(\"plain"));
    line.expect("it is there") as isize + 1
}

/// Panics where user code runs without having been called by name.
#[derive(Debug)]
pub enum Bomb {
    None,
    InItsConversion,
    InItsDestructor,
}

// SAFETY: it converts to `()`
unsafe impl<D> ocaml_lwt_interop::OCamlType<D> for Bomb {
    fn ocaml_type(_: &mut ocaml_lwt_interop::Types) -> ocaml_lwt_interop::Type {
        ocaml_lwt_interop::Type::named("unit")
    }
}

// SAFETY: an immediate
unsafe impl ToOCaml for Bomb {}

// SAFETY: an immediate
unsafe impl ToValue for Bomb {
    fn to_value(&self, _runtime: &Runtime) -> Value {
        if let Bomb::InItsConversion = self {
            panic!("in its conversion");
        }
        Value::unit()
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if let Bomb::InItsDestructor = self {
            panic!("in its destructor");
        }
    }
}

/// A future whose destructor panics is dropped by the executor; its handle gets the panic.
#[ocaml_lwt_interop::func]
pub async fn endings_destructor_of_task(by_abort: bool) -> Result<isize, Error> {
    struct Ends {
        _bomb: Bomb,
        pending: bool,
    }
    impl Future for Ends {
        type Output = isize;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<isize> {
            match self.pending {
                true => Poll::Pending,
                false => Poll::Ready(0),
            }
        }
    }
    let task = spawn_local(Ends {
        _bomb: Bomb::InItsDestructor,
        pending: by_abort,
    });
    futures_lite::future::yield_now().await;
    if by_abort {
        task.abort();
    }
    task.await
}

/// What the handle of a task that panicked says.
#[ocaml_lwt_interop::func]
pub async fn endings_joined() -> Option<String> {
    let error = spawn_local(async { panic!("in a task") }).await;
    error.err()?.panic_message().map(str::to_owned)
}

/// Nobody awaits the task: its handle is dropped before or after it panics.
#[ocaml_lwt_interop::func]
pub async fn endings_detached(after: bool) {
    let task = spawn_local(async { panic!("detached") });
    if after {
        futures_lite::future::yield_now().await;
        assert!(task.is_finished());
    }
    task.detach();
}

/// Catches its own panic, as any Rust code may.
#[ocaml_lwt_interop::func]
pub fn endings_caught() -> isize {
    std::panic::catch_unwind(|| panic!("caught")).unwrap_or(42)
}
