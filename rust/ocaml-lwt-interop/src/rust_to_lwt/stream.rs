//! [`RustStream`]: a Rust stream that becomes an OCaml one, by itself or as what a `#[func]` returns.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::stream_task::{self, BoxedStream};
use crate::caml::convert;
use crate::conversion::declare::{OCamlType, Type};
use crate::conversion::{ToOCaml, whole};
use crate::error::Error;
use crate::executor::ocaml_runtime::with_lwt_scope_of;

/// How many items are read ahead where nobody says so.
pub(crate) const DEFAULT_WINDOW: usize = 16;

/// A window of at least one item: the user's number, or the option of a `#[func]`.
pub(crate) fn checked(window: usize) -> usize {
    assert!(
        window > 0,
        "the window of a stream was set to 0, with which no item could ever cross: set it to 1 or more"
    );
    window
}

macro_rules! stream_handle {
    ($(#[$doc:meta])* $name:ident, ($($send:tt)*), $($bound:tt)*) => {
        $(#[$doc])*
        pub struct $name<T> {
            /// Taken by the conversion.
            stream: Mutex<Option<Pin<Box<$($bound)*>>>>,
            window: usize,
        }

        impl<T: 'static> $name<T> {
            /// Of a stream of values.
            pub fn new(stream: impl Stream<Item = T> $($send)* + 'static) -> Self {
                Self::try_new(Values { stream })
            }

            /// Of a stream in which an `Err` is the last item: it ends OCaml's stream with that exception.
            pub fn try_new(stream: impl Stream<Item = Result<T, Error>> $($send)* + 'static) -> Self {
                $name { stream: Mutex::new(Some(Box::pin(stream))), window: DEFAULT_WINDOW }
            }

            /// How many items may be read ahead of OCaml, and cross at once; 16 where this is not called.
            ///
            /// # Panics
            /// When it is 0.
            #[must_use]
            pub fn window(mut self, items: usize) -> Self {
                self.window = checked(items);
                self
            }
        }

        whole! {
            to [T: ToOCaml + 'static] $name<T>;
            declare [T: OCamlType<Direction>] $name<T>, |types| Type::applied("Lwt_stream.t", [T::ocaml_type(types)]);
        }

        convert! {
            to [T: ToOCaml + 'static] $name<T>, |this, runtime| {
                let taken = this.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
                let stream: BoxedStream<T> = taken.expect(concat!(
                    "a ", stringify!($name), " was converted to an OCaml value for the second time, but its stream went with \
                     the first: make one for each value, or share the OCaml stream as an OCamlValue"
                ));
                with_lwt_scope_of(
                    runtime,
                    "a stream was handed to OCaml",
                    |scope| stream_task::make(scope, stream, this.window),
                )
            };
        }

        impl<T> std::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

stream_handle! {
    /// A Rust stream on its way to OCaml, where it is an `'a Lwt_stream.t`. It may be the result of a `#[func]`, an argument
    /// of an OCaml function, or a field of a record with `#[derive(ToOCaml)]`.
    ///
    /// The stream is polled at home, from the first read on, so it need not be `Send`. A stream that is made on another
    /// thread crosses in a [`SendRustStream`]. It is read ahead up to its [window](Self::window), and then waits for its
    /// reader. Its end, an `Err` or a panic (`Rust_async.Rust_panic`) end OCaml's stream. It is dropped at home when it has
    /// ended, or when OCaml has collected its stream. Shutdown ends OCaml's stream with `Rust_async.Broken_promise`.
    ///
    /// It converts once.
    ///
    /// ```
    /// use futures_lite::stream;
    /// use ocaml_lwt_interop::{RustStream, ToOCaml};
    ///
    /// /// A stream in a record.
    /// #[derive(ToOCaml)]
    /// pub struct Countdown {
    ///     from: u8,
    ///     seconds: RustStream<u8>,
    /// }
    ///
    /// /// From `from` down to 1.
    /// #[ocaml_lwt_interop::func(sync)]
    /// pub fn countdown(from: u8) -> Countdown {
    ///     let seconds = RustStream::new(stream::iter((1..=from).rev())).window(2);
    ///     Countdown { from, seconds }
    /// }
    /// ```
    RustStream, (), dyn Stream<Item = Result<T, Error>>
}

stream_handle! {
    /// A [`RustStream`] that is `Send`: made on any thread, of a stream that is `Send`, which goes home with it and is
    /// polled there.
    ///
    /// ```
    /// use futures_lite::stream;
    /// use ocaml_lwt_interop::SendRustStream;
    ///
    /// /// A stream that is made on a Tokio thread.
    /// #[ocaml_lwt_interop::func(tokio)]
    /// pub async fn squares(up_to: isize) -> SendRustStream<isize> {
    ///     SendRustStream::new(stream::iter((1..=up_to).map(|n| n * n)))
    /// }
    /// ```
    SendRustStream, (+ Send), dyn Stream<Item = Result<T, Error>> + Send
}

pin_project! {
    /// A stream of values, none of which is an error.
    struct Values<S> {
        #[pin]
        stream: S,
    }
}

impl<S: Stream> Stream for Values<S> {
    type Item = Result<S::Item, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = self.project().stream.poll_next(context);
        item.map(|item| item.map(Ok))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

/// What a `#[func]` that returns `impl Stream` gives, a stream `S` of items `I`. The macro calls
/// `(&&StreamOf::of(&stream)).wrap(stream, window)`, which finds [`StreamOfResults`] for items that are a `Result<T, Error>`,
/// and [`StreamOfValues`] for all others.
#[doc(hidden)]
pub struct StreamOf<S, I>(PhantomData<fn() -> (S, I)>);

impl<S: Stream> StreamOf<S, S::Item> {
    /// The type of a stream.
    pub fn of(_: &S) -> Self {
        StreamOf(PhantomData)
    }
}

/// A stream of `Result<T, ocaml_lwt_interop::Error>`.
#[doc(hidden)]
pub trait StreamOfResults<S, T> {
    /// As a value for OCaml.
    fn wrap(&self, stream: S, window: Option<usize>) -> RustStream<T>;
}

impl<S, T> StreamOfResults<S, T> for &StreamOf<S, Result<T, Error>>
where
    S: Stream<Item = Result<T, Error>> + 'static,
    T: 'static,
{
    fn wrap(&self, stream: S, window: Option<usize>) -> RustStream<T> {
        RustStream::try_new(stream).window(window.unwrap_or(DEFAULT_WINDOW))
    }
}

/// Every other stream.
#[doc(hidden)]
pub trait StreamOfValues<S, T> {
    /// As a value for OCaml.
    fn wrap(&self, stream: S, window: Option<usize>) -> RustStream<T>;
}

impl<S, T> StreamOfValues<S, T> for StreamOf<S, T>
where
    S: Stream<Item = T> + 'static,
    T: 'static,
{
    fn wrap(&self, stream: S, window: Option<usize>) -> RustStream<T> {
        RustStream::new(stream).window(window.unwrap_or(DEFAULT_WINDOW))
    }
}
