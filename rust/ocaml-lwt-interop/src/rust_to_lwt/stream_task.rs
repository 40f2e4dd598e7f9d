//! The task behind a Rust stream that OCaml reads: it polls while there is room, and items cross in batches.
//!
//! What it has in common with OCaml's reader is [`Shared`], with the rules.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::buffer::TooLate;
use super::stream_source::{Shared, drop_quietly};
use super::stream_token::alloc_stream_token;
use super::window::Polled;
use crate::caml::Callbacks;
use crate::conversion::ToOCaml;
use crate::ending::Ending;
use crate::error::Error;
use crate::executor::task::{Completion, spawn_idle};
use crate::home::Scope;
use crate::panic::catch;

/// A stream of which every item is a value or the error that ends it.
pub(super) type BoxedStream<T> = Pin<Box<dyn Stream<Item = Result<T, Error>>>>;

/// Makes the `Lwt_stream.t` that reads a stream, and the task behind it. Runs OCaml code, may collect.
pub(super) fn make<T: ToOCaml + 'static>(
    scope: &Scope,
    stream: BoxedStream<T>,
    window: usize,
) -> ocaml::Value {
    let home = scope.home();
    let shared = Shared::new(home, window);
    // Rooted: the stream is abandoned by the token's finaliser.
    let token = alloc_stream_token(scope.access(), shared.clone());
    let Ok(value) = home.ask(scope, &Callbacks::STREAM, &(&token,)) else {
        panic!("OCaml raises an exception whenever a stream is made");
    };
    let future = StreamTask {
        stream: Some(stream),
        shared: shared.clone(),
    };
    if home.is_open(scope.at()) {
        shared.set_task(spawn_idle(scope, future, End(shared.clone())));
    } else {
        // Nobody would end the task.
        drop_quietly(future);
        shared.complete(scope, Ending::Dropped);
    }
    value
}

/// The future of the task.
struct StreamTask<T: ToOCaml + 'static> {
    stream: Option<BoxedStream<T>>,
    shared: Arc<Shared<T>>,
}

impl<T: ToOCaml + 'static> StreamTask<T> {
    /// Fills the buffer. True: the stream was pending.
    fn fill(&mut self, context: &mut Context<'_>) -> bool {
        let shared = &self.shared;
        let Some(stream) = &mut self.stream else {
            return false;
        };
        let filled = catch(AssertUnwindSafe(|| {
            while shared.window().has_room() {
                match stream.as_mut().poll_next(context) {
                    Poll::Ready(Some(Ok(item))) => {
                        let pushed = shared.window().push(item);
                        if let Err(TooLate(item)) = pushed {
                            drop_quietly(item);
                        }
                    }
                    Poll::Ready(Some(Err(error))) => {
                        return Poll::Ready(Some(Ending::Error(error)));
                    }
                    Poll::Ready(None) => return Poll::Ready(Some(Ending::Value(()))),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(None)
        }));
        match filled.unwrap_or_else(|panic| Poll::Ready(Some(Ending::Panic(panic)))) {
            Poll::Pending => true,
            Poll::Ready(None) => false,
            Poll::Ready(Some(ending)) => {
                self.end(ending);
                false
            }
        }
    }

    /// The stream has ended, and is dropped at once, not when OCaml has read the last item. A panic of its destructor is the
    /// ending, unless that is an error or a panic already.
    fn end(&mut self, ending: Ending<()>) {
        let stream = self.stream.take();
        let ending = match (catch(AssertUnwindSafe(|| drop(stream))), ending) {
            (Err(panic), Ending::Value(()) | Ending::Dropped) => Ending::Panic(panic),
            (_, ending) => ending,
        };
        let late = self.shared.window().end(ending).err();
        drop_quietly(late);
    }
}

impl<T: ToOCaml + 'static> Future for StreamTask<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let will_wake = this.fill(context);
        let is_open = this.shared.window().is_open();
        if !is_open {
            // Of an item that did not cross.
            drop_quietly(this.stream.take());
        }
        let polled = this.shared.window().polled(will_wake);
        match polled {
            Polled::Pending => Poll::Pending,
            Polled::Answer => {
                this.shared.clone().queue_answer();
                Poll::Pending
            }
            Polled::End => Poll::Ready(()),
        }
    }
}

impl<T: ToOCaml + 'static> Drop for StreamTask<T> {
    fn drop(&mut self) {
        if self.shared.window().len() > 0 {
            self.shared.cut(Ending::Dropped);
        }
    }
}

/// The end of the task.
struct End<T>(Arc<Shared<T>>);

impl<T: ToOCaml + 'static> Completion<()> for End<T> {
    fn complete(self, scope: &Scope, ending: Ending<()>) {
        self.0.complete(scope, ending);
    }

    fn disown(self, scope: &Scope) {
        self.0.disown(scope);
    }
}
