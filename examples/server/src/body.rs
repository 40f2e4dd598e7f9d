//! Bodies: what crosses, and hyper's trait.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use hyper::body::{Bytes, Frame, SizeHint};
use ocaml_lwt_interop::{ByteBuf, Error, FromOCaml, LwtStream, RustStream, ToOCaml};

use crate::log;
use crate::upload::Upload;

// OCaml has one type of streams, and so one of bodies. Rust has a type for each direction, so the stream is a parameter.
/// The body of a request or of a response.
#[derive(FromOCaml, ToOCaml)]
pub enum Body<Stream> {
    /// None.
    Empty,
    /// All of it.
    String(ByteBuf),
    /// Chunk by chunk.
    Stream(Stream),
}

/// The body of a request: OCaml reads its stream.
pub type InBody = Body<RustStream<ByteBuf>>;

/// The body of a response, as OCaml gives it: Rust reads its stream.
pub type OutBody = Body<LwtStream<ByteBuf>>;

/// The body of a response, as hyper sends it.
pub enum Outgoing {
    Bytes(Bytes),
    Stream {
        stream: LwtStream<ByteBuf>,
        /// The body of the request, which `stream` may be made of: as long as the response lasts.
        upload: Option<Upload>,
    },
}

impl From<Vec<u8>> for Outgoing {
    fn from(bytes: Vec<u8>) -> Self {
        Outgoing::Bytes(bytes.into())
    }
}

impl From<OutBody> for Outgoing {
    fn from(body: OutBody) -> Self {
        match body {
            OutBody::Empty => Outgoing::Bytes(Bytes::new()),
            OutBody::String(bytes) => bytes.0.into(),
            OutBody::Stream(stream) => Outgoing::Stream {
                stream,
                upload: None,
            },
        }
    }
}

impl hyper::body::Body for Outgoing {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Outgoing::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Outgoing::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Outgoing::Stream { stream, upload } => {
                Pin::new(stream).poll_next(context).map(|chunk| {
                    Some(match chunk? {
                        Ok(chunk) => Ok(Frame::data(chunk.0.into())),
                        // hyper breaks the connection off: that is how a client learns of it.
                        Err(error) => Err(failed(error, upload.as_ref())),
                    })
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Outgoing::Bytes(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Outgoing::Stream { .. } => SizeHint::default(),
        }
    }
}

fn failed(
    error: Error,
    upload: Option<&Upload>,
) -> Box<dyn std::error::Error + Send + Sync + 'static> {
    // What the client has spoilt itself is no news.
    if upload.and_then(Upload::refused).is_none() {
        log(format_args!("the body of a response: {error}"));
    }
    error.into_std()
}
