//! Bodies: OCaml's variant `body`, and hyper's trait.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::http::StatusCode;
use ocaml_lwt_interop::{ByteBuf, FromOCaml, ToOCaml};

/// OCaml's `body`, of a request.
#[derive(ToOCaml)]
pub enum InBody {
    Empty,
    String(ByteBuf),
}

/// OCaml's `body`, of a response.
#[derive(FromOCaml)]
pub enum OutBody {
    Empty,
    String(ByteBuf),
}

/// What is read of a body that is too large, so that its client, who may read no answer before it has sent all, sees one.
const DISCARDED: u64 = 1 << 20;

/// The body of a request, up to a limit.
pub struct Limited {
    incoming: Incoming,
    left: u64,
    /// Beyond the limit: how much more is read.
    discard: Option<u64>,
}

impl Limited {
    pub fn new(incoming: Incoming, limit: u64) -> Self {
        Limited {
            incoming,
            left: limit,
            discard: None,
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// How the request is answered then.
    pub async fn read(mut self) -> Result<Vec<u8>, StatusCode> {
        let mut bytes =
            Vec::with_capacity(self.incoming.size_hint().lower().min(self.left) as usize);
        while let Some(chunk) = poll_fn(|context| self.poll_chunk(context)).await {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(bytes)
    }

    pub fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, StatusCode>>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.incoming).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                Some(Err(_)) => return Poll::Ready(Some(Err(StatusCode::BAD_REQUEST))),
                None if self.discard.is_some() => return too_large(),
                None => return Poll::Ready(None),
            };
            // Trailers are left out.
            let Ok(chunk) = frame.into_data() else {
                continue;
            };
            let size = chunk.len() as u64;
            match &mut self.discard {
                None if size <= self.left => {
                    self.left -= size;
                    return Poll::Ready(Some(Ok(chunk)));
                }
                None => self.discard = Some(DISCARDED),
                Some(left) if size <= *left => *left -= size,
                Some(_) => return too_large(),
            }
        }
    }
}

fn too_large<T>() -> Poll<Option<Result<T, StatusCode>>> {
    Poll::Ready(Some(Err(StatusCode::PAYLOAD_TOO_LARGE)))
}

/// The body of a response, as hyper sends it.
pub enum Outgoing {
    Bytes(Bytes),
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
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Outgoing::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Outgoing::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Outgoing::Bytes(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}
