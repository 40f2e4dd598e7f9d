//! The body of a request that OCaml reads as a stream.
//!
//! OCaml's stream lives until it is collected, but the connection cannot go on before hyper has its body back. So it is
//! shared: [`Upload`] is the server's end, which takes it away when the request is over.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use futures_core::Stream;
use hyper::body::{Body, Bytes, Incoming};
use hyper::http::StatusCode;
use ocaml_lwt_interop::{ByteBuf, Error, RustStream};

/// How much is read of a body that nobody wants, and for how long, so that a client that reads no answer before it has
/// sent all of it, sees one.
const DISCARDED: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(1);

/// How many chunks OCaml may be ahead of: few, since they may be large.
const WINDOW: usize = 4;

/// The server's end. The stream ends with it, in an error if it is not read to its end.
pub struct Upload(Rc<RefCell<State>>);

struct State {
    incoming: Option<Incoming>,
    left: u64,
    refused: Option<StatusCode>,
    /// Of the task that reads.
    reader: Option<Waker>,
}

impl Upload {
    /// At most `limit` bytes of it.
    pub fn new(incoming: Incoming, limit: u64) -> Self {
        Upload(Rc::new(RefCell::new(State {
            incoming: Some(incoming),
            left: limit,
            refused: None,
            reader: None,
        })))
    }

    /// The end that OCaml reads.
    pub fn stream(&self) -> RustStream<ByteBuf> {
        RustStream::try_new(Chunks(self.0.clone())).window(WINDOW)
    }

    /// How a request is to be answered whose body is not as it should be, as far as it was read.
    pub fn refused(&self) -> Option<StatusCode> {
        self.0.borrow().refused
    }

    /// Ends the stream. What was not read is left to be discarded.
    pub fn close(&self) -> Option<Incoming> {
        let (incoming, reader) = {
            let mut state = self.0.borrow_mut();
            (state.incoming.take(), state.reader.take())
        };
        if let Some(reader) = reader {
            reader.wake();
        }
        incoming
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.close();
    }
}

struct Chunks(Rc<RefCell<State>>);

impl Stream for Chunks {
    type Item = Result<ByteBuf, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let state = &mut *self.0.borrow_mut();
        let Some(incoming) = &mut state.incoming else {
            let over = Error::msg("the body was read after its request was answered");
            return Poll::Ready(Some(Err(over)));
        };
        let Poll::Ready(chunk) = poll_chunk(incoming, context) else {
            state.reader = Some(context.waker().clone());
            return Poll::Pending;
        };
        let refused = match chunk {
            None => return Poll::Ready(None),
            Some(Ok(chunk)) if chunk.len() as u64 <= state.left => {
                state.left -= chunk.len() as u64;
                return Poll::Ready(Some(Ok(ByteBuf(chunk.into()))));
            }
            Some(Ok(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            Some(Err(status)) => status,
        };
        state.refused = Some(refused);
        Poll::Ready(Some(Err(Error::msg(format_args!("the body: {refused}")))))
    }
}

/// The next chunk. Trailers are left out.
fn poll_chunk(
    incoming: &mut Incoming,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, StatusCode>>> {
    loop {
        match ready!(Pin::new(&mut *incoming).poll_frame(context)) {
            None => return Poll::Ready(None),
            Some(Err(_)) => return Poll::Ready(Some(Err(StatusCode::BAD_REQUEST))),
            Some(Ok(frame)) => {
                if let Ok(chunk) = frame.into_data() {
                    return Poll::Ready(Some(Ok(chunk)));
                }
            }
        }
    }
}

/// All of a body whose size is known.
///
/// # Errors
/// How the request is answered then.
pub async fn read(mut incoming: Incoming, size: usize) -> Result<Vec<u8>, StatusCode> {
    let mut bytes = Vec::with_capacity(size);
    while let Some(chunk) = poll_fn(|context| poll_chunk(&mut incoming, context)).await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

/// See [`DISCARDED`].
pub async fn discard(mut incoming: Incoming) {
    let some_of_it = async {
        let mut left = DISCARDED;
        while let Some(Ok(chunk)) = poll_fn(|context| poll_chunk(&mut incoming, context)).await {
            match left.checked_sub(chunk.len()) {
                Some(less) => left = less,
                None => break,
            }
        }
    };
    let _ = tokio::time::timeout(PATIENCE, some_of_it).await;
}
