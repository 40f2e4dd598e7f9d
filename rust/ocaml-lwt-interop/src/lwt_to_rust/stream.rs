//! [`LwtStream`]: an OCaml stream that Rust reads.
//!
//! 1. It is read by one promise after the other, each for a batch: what is there, up to the window, or else the next item
//!    once it comes, and what is there then.
//! 2. While Rust waits it keeps no root of the stream, which comes back with the batch: else a stream that nobody can write
//!    to any more would never be collected, and Rust would wait for ever.
//! 3. A read that OCaml has begun and that is pending when a batch is full goes with the stream: given up, its exception
//!    would be lost.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use ocaml::{FromValue, Value};

use super::promise::{Awaited, PromiseFuture, Start, Started, Token};
use crate::caml::{self, Callback, Raw, Root};
use crate::error::Error;
use crate::exception;
use crate::executor::{AtHome, Home, Runnable};
use crate::rust_to_lwt::stream::{DEFAULT_WINDOW, checked};

/// An OCaml stream, `'a Lwt_stream.t`, whose items convert to `T`: a [`Stream`] of `Result<T, Error>`, on any thread.
///
/// An exception is an `Err` item, and the last one; so is an item that does not convert, a broken promise when nobody can
/// write to the stream any more, or after shutdown, and misuse in a job on a worker domain, where there is no Lwt. Items
/// cross in batches, of what is there up to the [window](LwtStream::window); they are converted on the domain thread.
///
/// It reads OCaml's own stream: other readers of that see what Lwt shows them. Dropping it, on any thread, cancels the read
/// that is under way and lets go of the stream, at home in the next tick at the latest; what crossed and was not taken goes
/// with it. What OCaml's writer learns of that is what Lwt tells it: one that waits in `create_bounded`'s `push` goes on
/// waiting, a function of `from` is not asked again, and both are collected if nobody else holds them.
///
/// `Send` when `T` is.
pub struct LwtStream<T: FromValue + 'static> {
    home: &'static Home,
    window: usize,
    /// What has crossed.
    items: VecDeque<T>,
    stage: Stage<T>,
}

enum Stage<T: FromValue + 'static> {
    /// Nothing is under way.
    Idle(Handles),
    Reading(PromiseFuture<Batch<T>, Read>),
    /// The items that are here are the last, but for an error.
    Over(Option<Error>),
}

/// What of OCaml's makes a stream.
struct Handles {
    stream: Root,
    /// `'a option Lwt.t option`, see rule 3.
    pending: Root,
    home: &'static Home,
}

/// `None`
const NOTHING: Root = Root::Immediate(Raw(ocaml::sys::NONE));

/// The stream is let go: the read that was begun is cancelled, if there is one. On any thread. It happens at home, and soon:
/// a root that is dropped elsewhere keeps its value until home next looks.
impl Drop for Handles {
    fn drop(&mut self) {
        let stream = std::mem::replace(&mut self.stream, NOTHING);
        let pending = std::mem::replace(&mut self.pending, NOTHING);
        let is_read = matches!(pending, Root::Cell(_));
        if !is_read && AtHome::of(self.home).is_some_and(AtHome::may_call_ocaml) {
            return;
        }
        self.home
            .queue_anywhere(Runnable::Settle(Box::new(move |scope| {
                if is_read {
                    // SAFETY: a scope holds the lock; `Some` is a block of one field
                    let read = unsafe { caml::protect(caml::field(pending.get(), 0)) };
                    super::cancel(scope, &read);
                }
                drop(stream);
            })));
    }
}

/// A read to be begun.
struct Read {
    handles: Handles,
    window: usize,
}

impl Start for Read {
    const CALLS: bool = true;

    fn start(mut self, scope: Token<'_>) -> Result<Started, Error> {
        let scope = scope.0;
        if !scope.home().is_lwt() {
            return Err(Error::misuse(
                "a Lwt_stream was read on a worker domain, where Lwt does not run and nobody would write to it: read it on \
                 the thread that runs Lwt, and pass the items",
            ));
        }
        let pending = std::mem::replace(&mut self.handles.pending, NOTHING);
        let window = isize::try_from(self.window).unwrap_or(isize::MAX >> 1);
        // SAFETY: a scope holds the lock; both are rooted until they are arguments; the result is rooted before anything can
        // allocate
        unsafe {
            let stream = self.handles.stream.get();
            let mut arguments = [stream, pending.get(), caml::int(window)];
            match scope.home().call(scope, Callback::Read, &mut arguments) {
                Ok(promise) => Ok(Started(Awaited::Promise(caml::protect(promise)))),
                Err(raised) => Err(Error::captured(scope, raised)),
            }
        }
    }
}

/// What a read gives: `batch` in `rust_async.ml`.
struct Batch<T> {
    handles: Handles,
    items: Vec<T>,
    behind: Behind,
}

enum Behind {
    More,
    End,
    Error(Error),
}

// SAFETY: what is converted is rooted, or its block is
unsafe impl<T: FromValue> FromValue for Batch<T> {
    fn from_value(value: Value) -> Self {
        // SAFETY: a conversion runs with the lock held; a batch has four fields, and is rooted by `value`, which the
        // conversions of the items need: they may do anything
        unsafe {
            let batch = value.root();
            let handles = Handles {
                stream: Root::new(caml::field(batch.raw(), 0)),
                pending: Root::new(caml::field(batch.raw(), 1)),
                home: exception::home_of_conversion("an OCaml stream"),
            };
            let mut rest = caml::protect(caml::field(batch.raw(), 2));
            let mut items = Vec::with_capacity(caml::list_length(rest.raw()));
            while let Some(item) = caml::uncons(&mut rest) {
                match exception::convert(item) {
                    Ok(item) => items.push(item),
                    Err(panic) => {
                        let error = Error::invalid_argument(format!(
                            "an item of an OCaml stream does not convert: {}",
                            panic.message
                        ));
                        return Batch {
                            handles,
                            items,
                            behind: Behind::Error(error),
                        };
                    }
                }
            }
            let behind = match caml::field(batch.raw(), 3) {
                // The constructors of `behind`, in order: `More`, `End`, `Exception`.
                behind if caml::is_immediate(behind) => match caml::int_val(behind) {
                    0 => Behind::More,
                    _ => Behind::End,
                },
                behind => {
                    let exception = caml::protect(caml::field(behind, 0));
                    Behind::Error(Error::from_exception_value(exception))
                }
            };
            Batch {
                handles,
                items,
                behind,
            }
        }
    }
}

impl<T: FromValue + 'static> LwtStream<T> {
    /// How many items may cross at once, and wait here to be taken; 16 where this is not called. For a batch that is under
    /// way it stays as it was.
    ///
    /// # Panics
    /// When it is 0.
    #[must_use]
    pub fn window(mut self, items: usize) -> Self {
        self.window = checked(items);
        self
    }

    fn arrived(&mut self, batch: Result<Batch<T>, Error>) {
        self.stage = match batch {
            Err(error) => Stage::Over(Some(error)),
            Ok(Batch {
                handles,
                items,
                behind,
            }) => {
                self.items.extend(items);
                match behind {
                    Behind::More => Stage::Idle(handles),
                    Behind::End => Stage::Over(None),
                    Behind::Error(error) => Stage::Over(Some(error)),
                }
            }
        };
    }
}

impl<T: FromValue + 'static> Stream for LwtStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<T, Error>>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            match &mut this.stage {
                Stage::Reading(read) => {
                    let batch = ready!(Pin::new(read).poll(context));
                    this.arrived(batch);
                }
                Stage::Over(error) => return Poll::Ready(error.take().map(Err)),
                Stage::Idle(_) => {
                    if let Stage::Idle(handles) =
                        std::mem::replace(&mut this.stage, Stage::Over(None))
                    {
                        let read = Read {
                            handles,
                            window: this.window,
                        };
                        this.stage = Stage::Reading(PromiseFuture::new(this.home, true, read));
                    }
                }
            }
        }
    }
}

// Nothing in it is pinned.
impl<T: FromValue + 'static> Unpin for LwtStream<T> {}

// SAFETY: rooted at once, before anything can allocate
unsafe impl<T: FromValue + 'static> FromValue for LwtStream<T> {
    /// # Panics
    /// On a thread that does not run Lwt.
    fn from_value(value: Value) -> Self {
        // Finding its home may start the executor, which may collect.
        let value = value.root();
        let home = exception::home_of_conversion("an OCaml stream");
        LwtStream {
            home,
            window: DEFAULT_WINDOW,
            items: VecDeque::new(),
            stage: Stage::Idle(Handles {
                // SAFETY: a conversion runs with the lock held, on a live value
                stream: unsafe { Root::new(value.raw()) },
                pending: NOTHING,
                home,
            }),
        }
    }
}

impl<T: FromValue + 'static> std::fmt::Debug for LwtStream<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LwtStream")
    }
}
