//! [`LwtStream`]: an OCaml stream that Rust reads.
//!
//! 1. It is read by one promise after the other, each for a batch. A batch is what is there, up to the window. If nothing is
//!    there, it is the next item once that comes, and what is there then.
//! 2. While Rust waits it keeps no root of the stream, which comes back with the batch. Otherwise a stream that nobody can
//!    write to any more would never be collected, and Rust would wait for ever.
//! 3. Some items have come, and a read may be pending when a batch is full. Both are in OCaml's [`source`](caml::source),
//!    which goes with the stream. So whatever a signal handler raises on the way, no item is lost.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::task::coop::poll_proceed;

use super::awaited::{Awaitable, Awaited, Begun, PollScope, Remembered};
use super::promise::PromiseFuture;
use super::subscription::cancel;
use crate::caml::lock::{Access, with_access};
use crate::caml::{self, Callbacks, convert};
use crate::conversion::declare::{Coming, OCamlType, Type, Types};
use crate::conversion::{FromOCaml, whole};
use crate::error::Error;
use crate::executor::coop::without_budget;
use crate::home::{AtHome, Home, Runnable, Scope};
use crate::received;
use crate::rust_to_lwt::stream::{DEFAULT_WINDOW, checked};
use crate::storage::Storage;

/// An OCaml stream, `'a Lwt_stream.t`, whose items convert to `T`: a [`Stream`] of `Result<T, Error>`, on any thread.
///
/// The last item may be an `Err`:
///
/// - an exception that the stream ended with;
/// - an item that does not convert;
/// - a broken promise, when nobody can write to the stream any more, or after shutdown;
/// - misuse, in a job on a worker domain, where there is no Lwt.
///
/// Items cross in batches, of what is there up to the [window](LwtStream::window). They are converted on the domain thread.
///
/// It reads OCaml's own stream: other readers of that stream see what Lwt shows them.
///
/// Dropping it, on any thread, cancels the read that is under way and lets go of the stream, at home in the next tick at the
/// latest. Items that have crossed and were not taken are dropped. OCaml's writer learns of that what Lwt tells it. A writer
/// that waits in the `push` of `create_bounded` goes on waiting, and a function of `from` is not asked again. Both are
/// collected if nobody else holds them.
///
/// `Send` when `T` is.
///
/// ```
/// use futures_lite::StreamExt;
/// use ocaml_lwt_interop::{Error, LwtStream};
///
/// /// The sum of an OCaml stream, which is read four items ahead.
/// #[ocaml_lwt_interop::func]
/// pub async fn total(numbers: LwtStream<isize>) -> Result<isize, Error> {
///     let mut numbers = numbers.window(4);
///     let mut total = 0;
///     while let Some(number) = numbers.next().await {
///         total += number?;
///     }
///     Ok(total)
/// }
/// ```
pub struct LwtStream<T: FromOCaml + 'static> {
    home: &'static Home,
    window: usize,
    /// What was bound where it was received.
    storage: Storage,
    /// What has crossed.
    items: VecDeque<T>,
    stage: Stage<T>,
}

enum Stage<T: FromOCaml + 'static> {
    /// Nothing is under way.
    Idle(Source),
    Reading(PromiseFuture<Batch<T>, NextBatch>),
    /// The items that are here are the last, but for an error.
    Over(Option<Error>),
}

/// OCaml's [`source`](caml::source), let go when it is dropped: the read that was begun is cancelled, if there is one. On any
/// thread. It happens at home, and soon: a root that is dropped elsewhere keeps its value until home next looks.
struct Source {
    /// Taken by the drop.
    source: Option<caml::source::Source>,
    home: &'static Home,
}

impl Drop for Source {
    fn drop(&mut self) {
        let Some(source) = self.source.take() else {
            return;
        };
        let nothing_is_begun = || with_access(|access| source.begun(access).is_none());
        if AtHome::of(self.home).is_some() && nothing_is_begun() == Ok(true) {
            return;
        }
        self.home
            .queue_anywhere(Runnable::Settle(Box::new(move |scope| {
                if let Some(promise) = source.begun(scope.access()) {
                    cancel(scope, &promise);
                }
                drop(source);
            })));
    }
}

/// A read to be begun.
struct NextBatch {
    source: Source,
    window: usize,
    storage: Storage,
}

impl Awaitable for NextBatch {
    const CALLS: bool = true;

    fn storage(&self) -> Remembered {
        Remembered(self.storage.clone())
    }

    fn begin(mut self, scope: PollScope<'_>) -> Result<Begun, Error> {
        let scope = scope.0;
        if !scope.home().is_lwt() {
            return Err(Error::misuse(
                "a Lwt_stream was read on a worker domain, where Lwt does not run and nobody would write to it: read it on \
                 the thread that runs Lwt, and pass the items",
            ));
        }
        let Some(source) = self.source.source.take() else {
            return Err(Error::broken_promise());
        };
        let window = isize::try_from(self.window).unwrap_or(isize::MAX >> 1);
        let arguments = (&source, &window);
        let read = || without_budget(|| scope.home().ask(scope, &Callbacks::READ, &arguments));
        match self.storage.of_handle(scope, read) {
            Ok(promise) => Ok(Begun(Awaited::Promise(promise))),
            Err(raised) => Err(Error::of_raised(scope, &raised)),
        }
    }
}

/// What a read gives.
struct Batch<T> {
    source: Source,
    items: Vec<T>,
    after: After,
}

enum After {
    More,
    End,
    Error(Error),
}

/// No declaration has it.
// SAFETY: there is no type in it
unsafe impl<T> OCamlType<Coming> for Batch<T> {
    fn ocaml_type(_: &mut Types) -> Type {
        Type::refused("a batch of a stream is in no declaration")
    }
}

whole! {
    from [T: FromOCaml] Batch<T>;
}

convert! {
    from [T: FromOCaml] Batch<T>, |value| received::at_home("an OCaml stream was received", |access, home| {
        // SAFETY: a batch is a source
        let source = unsafe { caml::source::Source::new(access, &value) };
        Batch::of(access, home, source)
    });
}

impl<T: FromOCaml> Batch<T> {
    /// What a source has.
    fn of(access: Access<'_>, home: &'static Home, source: caml::source::Source) -> Self {
        // After a wait.
        if source.is_empty(access) {
            Scope::with_current(home, |scope| {
                // What was raised has escaped; the source has what came.
                let _ = home.ask(scope, &Callbacks::COLLECT, &(&source,));
            });
        }
        let values = caml::ListItems::of(access, &source.take_items(access));
        let mut items = Vec::with_capacity(values.count_left());
        let mut refused = None;
        for item in values {
            match received::convert(item) {
                Ok(item) => items.push(item),
                Err(panic) => {
                    refused = Some(After::Error(Error::invalid_argument(format!(
                        "an item of an OCaml stream does not convert: {}",
                        panic.message
                    ))));
                    break;
                }
            }
        }
        let after = refused.unwrap_or_else(|| match source.after(access) {
            caml::source::After::More => After::More,
            caml::source::After::End => After::End,
            caml::source::After::Exception(exception) => {
                After::Error(Error::from_exception_value(exception.into_value()))
            }
        });
        let source = Source {
            source: Some(source),
            home,
        };
        Batch {
            source,
            items,
            after,
        }
    }
}

impl<T: FromOCaml + 'static> LwtStream<T> {
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
                source,
                items,
                after,
            }) => {
                self.items.extend(items);
                match after {
                    After::More => Stage::Idle(source),
                    After::End => Stage::Over(None),
                    After::Error(error) => Stage::Over(Some(error)),
                }
            }
        };
    }
}

impl<T: FromOCaml + 'static> Stream for LwtStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<T, Error>>> {
        let this = &mut *self;
        loop {
            if !this.items.is_empty() {
                ready!(poll_proceed(context)).made_progress();
            }
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
                    if let Stage::Idle(source) =
                        std::mem::replace(&mut this.stage, Stage::Over(None))
                    {
                        let read = NextBatch {
                            source,
                            window: this.window,
                            storage: this.storage.clone(),
                        };
                        this.stage = Stage::Reading(PromiseFuture::new(this.home, true, read));
                    }
                }
            }
        }
    }
}

// Nothing in it is pinned.
impl<T: FromOCaml + 'static> Unpin for LwtStream<T> {}

convert! {
    from [T: FromOCaml + 'static] LwtStream<T>, |value| received::at_home("an OCaml stream was received", |access, home| {
        let source = caml::source::Source::make(access, &value.root());
        LwtStream {
            home,
            window: DEFAULT_WINDOW,
            storage: received::storage_of_conversion(home),
            items: VecDeque::new(),
            stage: Stage::Idle(Source {
                source: Some(source),
                home,
            }),
        }
    });
}

whole! {
    from [T: FromOCaml + 'static] LwtStream<T>;
    declare [T: OCamlType<Direction> + FromOCaml + 'static] LwtStream<T>,
        |types| Type::applied("Lwt_stream.t", [<T as OCamlType<Direction>>::ocaml_type(types)]);
}

impl<T: FromOCaml + 'static> std::fmt::Debug for LwtStream<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LwtStream")
    }
}
