//! Errors that came from OCaml, or are the bridge's, and that a library has wrapped in errors of its own: they go back by `?`.
//! See `../test_endings.ml`.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use futures_core::Stream;
use futures_lite::stream;
use ocaml_lwt_interop::{
    Error, FromOCaml, OCamlAsyncFunc, OCamlFunc, Promise, RustStream, func, ocaml_runtime,
    spawn_local,
};

use crate::endings::yield_if;

/// What is wrapped.
#[derive(Clone, Copy, FromOCaml)]
pub enum Inside {
    /// The exception of an OCaml function.
    Raised,
    /// `test.refused`, made when it crosses.
    Registered,
    /// A panic of a task.
    Panicked,
    /// A promise that nobody can resolve.
    Broken,
    /// A Rust error: nothing of ours.
    Rust,
}

/// How it is wrapped.
#[derive(Clone, Copy, FromOCaml)]
pub enum Wrapping {
    /// As a source, in an error of the library's.
    Source,
    /// In a `std::io::Error`, which leaves out what it holds.
    Io,
    /// In an error that passes on the source of a `std::io::Error`, in another.
    Transparent,
    /// In boxes in boxes.
    Boxes,
    /// By anyhow, with context.
    Anyhow,
    /// By anyhow, which is given a box.
    AnyhowBoxed,
}

type Boxed = Box<dyn StdError + Send + Sync>;

/// A library's.
#[derive(Debug)]
enum LibraryError {
    Source(Boxed),
    Transparent(io::Error),
}

impl fmt::Display for LibraryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LibraryError::Source(_) => f.write_str("the library failed"),
            LibraryError::Transparent(error) => error.fmt(f),
        }
    }
}

impl StdError for LibraryError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            LibraryError::Source(error) => Some(&**error),
            LibraryError::Transparent(error) => error.source(),
        }
    }
}

/// Wraps it, and has `?` find it.
fn wrap(wrapping: Wrapping, error: Error) -> Result<isize, Error> {
    let error = error.into_std();
    match wrapping {
        Wrapping::Source => Err(LibraryError::Source(error))?,
        Wrapping::Io => Err(io::Error::other(error))?,
        Wrapping::Transparent => {
            let inner = LibraryError::Transparent(io::Error::other(error));
            Err(LibraryError::Source(Box::new(inner)))?
        }
        Wrapping::Boxes => Err(Box::new(Arc::new(LibraryError::Source(Box::new(
            Arc::new(io::Error::other(error)),
        )))))?,
        Wrapping::Anyhow => {
            let error = anyhow::Error::from_boxed(error).context("in anyhow");
            Err(Error::from_std(error.context("twice").into()))
        }
        Wrapping::AnyhowBoxed => Err(Error::from_std(anyhow::anyhow!(error).into())),
    }
}

async fn inside(inside: Inside, f: &OCamlAsyncFunc<(), isize>) -> Error {
    match inside {
        Inside::Raised => f.call(()).await.expect_err("it raises"),
        _ => without_ocaml(inside),
    }
}

fn without_ocaml(inside: Inside) -> Error {
    match inside {
        Inside::Registered => Error::registered("test.refused", ("by Rust",)),
        Inside::Broken => Error::broken_promise(),
        _ => Error::msg("a message"),
    }
}

/// In the body at home.
#[func]
pub async fn wrapped_at_home(
    wrapping: Wrapping,
    what: Inside,
    f: OCamlAsyncFunc<(), isize>,
    yields: bool,
) -> Result<isize, Error> {
    let error = match what {
        Inside::Panicked => spawn_local(async { panic!("in a task") })
            .await
            .unwrap_err(),
        _ => inside(what, &f).await,
    };
    yield_if(yields).await;
    wrap(wrapping, error)
}

/// Made on a Tokio thread, wrapped on a plain one.
#[func(tokio)]
pub async fn wrapped_on_workers(
    wrapping: Wrapping,
    what: Inside,
    f: OCamlAsyncFunc<(), isize>,
    yields: bool,
) -> Result<isize, Error> {
    yield_if(yields).await;
    let error = inside(what, &f).await;
    let thread = std::thread::spawn(move || wrap(wrapping, error));
    thread.join().expect("it does not panic")
}

/// On a thread for code that blocks.
#[func(blocking)]
pub fn wrapped_blocking(
    wrapping: Wrapping,
    what: Inside,
    f: OCamlAsyncFunc<(), isize>,
) -> Result<isize, Error> {
    let error = futures_lite::future::block_on(inside(what, &f));
    wrap(wrapping, error)
}

/// Inside the call.
#[func(sync)]
pub fn wrapped_now(
    wrapping: Wrapping,
    what: Inside,
    f: OCamlFunc<(), isize>,
) -> Result<isize, Error> {
    let error = match what {
        Inside::Raised => f.call(&ocaml_runtime(), ()).expect_err("it raises"),
        _ => without_ocaml(what),
    };
    wrap(wrapping, error)
}

/// By a resolver.
#[func(sync)]
pub fn wrapped_rejection(
    wrapping: Wrapping,
    what: Inside,
    f: OCamlAsyncFunc<(), isize>,
) -> Promise<isize> {
    let (promise, resolver) = Promise::new(&ocaml_runtime());
    spawn_local(async move {
        match wrap(wrapping, inside(what, &f).await) {
            Ok(value) => resolver.resolve(value),
            Err(error) => resolver.reject(error),
        }
    })
    .detach();
    promise
}

/// In a stream.
#[func]
pub fn wrapped_stream(
    wrapping: Wrapping,
    what: Inside,
    f: OCamlAsyncFunc<(), isize>,
) -> impl Stream<Item = Result<isize, Error>> {
    stream::once_future(async move { wrap(wrapping, inside(what, &f).await) })
}

/// An OCaml function, called back, gets it as a stream: another way into OCaml, from a worker.
#[func(tokio)]
pub async fn wrapped_for_a_callback(
    wrapping: Wrapping,
    what: Inside,
    f: OCamlAsyncFunc<(), isize>,
    read: OCamlAsyncFunc<(ocaml_lwt_interop::SendRustStream<isize>,), isize>,
) -> Result<isize, Error> {
    let error = inside(what, &f).await;
    let items = stream::once_future(async move { wrap(wrapping, error) });
    let stream = ocaml_lwt_interop::SendRustStream::try_new(items);
    let error = read.call((stream,)).await.expect_err("it raises");
    wrap(wrapping, error) // and once more
}

/// The same error, wrapped, is sent twice.
#[func]
pub async fn wrapped_twice(
    f: OCamlAsyncFunc<(), isize>,
    again: OCamlAsyncFunc<(RustStream<isize>,), isize>,
) -> Result<isize, Error> {
    let error = Arc::new(LibraryError::Source(
        f.call(()).await.unwrap_err().into_std(),
    ));
    let copy = Arc::clone(&error);
    let stream = RustStream::try_new(stream::once(Err(Error::from(copy))));
    again.call((stream,)).await?;
    Err(error)?
}

/// What Rust sees: the messages, the exception's name, whether it is a broken promise, a Rust error, the message of a panic.
type Seen = (Vec<String>, Option<String>, bool, bool, Option<String>);

#[func]
pub async fn wrapped_seen(
    wrapping: Wrapping,
    what: Inside,
    f: OCamlAsyncFunc<(), isize>,
) -> Result<Seen, Error> {
    let error = match what {
        Inside::Panicked => spawn_local(async { panic!("in a task") })
            .await
            .unwrap_err(),
        _ => inside(what, &f).await,
    };
    let error = wrap(wrapping, error).unwrap_err();
    let chain = error.chain();
    assert_eq!(error.to_string(), chain[0]);
    if let Wrapping::Source = wrapping {
        assert!(error.downcast_ref::<LibraryError>().is_some());
    }
    let name = error
        .exception()
        .map(|exception| exception.name().to_owned());
    assert!(name.as_ref().is_none_or(|name| error.is_exception(name)));
    Ok((
        chain,
        name,
        error.is_broken_promise(),
        error.is_rust_error(),
        error.panic_message().map(str::to_owned),
    ))
}
