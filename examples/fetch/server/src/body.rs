//! The bodies of responses.

use std::io;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};

use crate::Failure;
use crate::counts::{Counts, Current};

const CHUNK: usize = 1 << 16;

/// What is sent, wherever it begins.
static PATTERN: LazyLock<Bytes> =
    LazyLock::new(|| (0..CHUNK + 251).map(|i| (i % 251) as u8).collect());

/// A body, and the request that ends with it.
pub struct Body {
    content: Content,
    current: Option<Current>,
}

enum Content {
    Text(Bytes),
    Pattern { at: u64, length: u64, until: Until },
    Echo(Incoming),
}

/// How much is sent of a body.
#[derive(Clone, Copy, PartialEq)]
pub enum Until {
    /// All of it.
    End,
    /// Half of it, and then the connection is closed.
    Torn,
    /// That half was sent.
    TornNow,
    /// Half of it, and nothing more.
    Stuck,
}

impl Body {
    pub fn text(text: String, current: Option<Current>) -> Body {
        let content = Content::Text(text.into());
        Body { content, current }.unless_empty()
    }

    pub fn bytes(length: u64, until: Until, current: Current) -> Body {
        let content = Content::Pattern {
            at: 0,
            length,
            until,
        };
        let current = Some(current);
        Body { content, current }.unless_empty()
    }

    pub fn echo(incoming: Incoming, current: Current) -> Body {
        Body {
            content: Content::Echo(incoming),
            current: Some(current),
        }
    }

    /// hyper does not ask for a body that is empty.
    fn unless_empty(mut self) -> Self {
        if self.is_end_stream() {
            self.end();
        }
        self
    }

    fn end(&mut self) {
        self.current.iter_mut().for_each(Current::end);
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let chunk = match &mut self.content {
            Content::Text(text) => std::mem::take(text),
            Content::Pattern { at, length, until } => {
                let end = match until {
                    Until::End => *length,
                    _ => *length / 2,
                };
                if *at == end && *until == Until::Torn {
                    // hyper sends what it has before it asks once more.
                    *until = Until::TornNow;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                if *until == Until::TornNow {
                    self.end();
                    return Poll::Ready(Some(Err(io::Error::other("torn").into())));
                }
                if *at == end && *until == Until::Stuck {
                    return Poll::Pending; // hyper hears of a client that goes away
                }
                let size = CHUNK.min((end - *at) as usize);
                let from = (*at % 251) as usize;
                *at += size as u64;
                PATTERN.slice(from..from + size)
            }
            Content::Echo(incoming) => {
                let frame = ready!(Pin::new(&mut *incoming).poll_frame(context));
                if frame.is_none() || incoming.is_end_stream() {
                    self.end();
                }
                return Poll::Ready(frame.map(|frame| Ok(frame?)));
            }
        };
        if chunk.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(current) = &self.current {
            current.counts().sent(chunk.len());
        }
        if self.is_end_stream() {
            self.end();
        }
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Text(text) => text.is_empty(),
            Content::Pattern { at, length, .. } => at == length,
            Content::Echo(incoming) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Text(text) => SizeHint::with_exact(text.len() as u64),
            Content::Pattern { at, length, .. } => SizeHint::with_exact(length - at),
            Content::Echo(_) => SizeHint::default(),
        }
    }
}

/// Reads all of it.
pub async fn count(mut body: Incoming, counts: &Counts) -> Result<usize, Failure> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(chunk) = frame?.into_data() {
            bytes += chunk.len();
            counts.received(chunk.len());
        }
    }
    Ok(bytes)
}
