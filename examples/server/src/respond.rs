//! A request becomes a response: by the OCaml handler, or without it.

use std::cell::Cell;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, EXPECT, HeaderValue};
use hyper::http::{StatusCode, request};

use crate::body::{InBody, Limited, Outgoing};
use crate::message::{Request, plain};
use crate::{Handler, log};

/// What the connections share.
pub struct Server {
    handler: Handler,
    max_body: u64,
    stopping: Cell<bool>,
}

/// How long a body that is too large is read, see [`Limited`].
const PATIENCE: Duration = Duration::from_secs(1);

impl Server {
    pub fn new(handler: Handler, max_body: u64) -> Self {
        Server {
            handler,
            max_body,
            stopping: Cell::new(false),
        }
    }

    /// From now on responses say `Connection: close`.
    pub fn stop(&self) {
        self.stopping.set(true);
    }

    pub async fn respond(&self, request: hyper::Request<Incoming>) -> hyper::Response<Outgoing> {
        let (parts, incoming) = request.into_parts();
        let mut response = match self.answer(&parts, incoming).await {
            Ok(response) => response,
            Err(status) => plain(status),
        };
        if self.stopping.get() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        response
    }

    async fn answer(
        &self,
        parts: &request::Parts,
        incoming: Incoming,
    ) -> Result<hyper::Response<Outgoing>, StatusCode> {
        let body = self.body(parts, incoming).await?;
        let answered = match self.handler.call((Request::new(parts, body),)).await {
            Ok(response) => response.into_hyper(),
            Err(error) => Err(error),
        };
        answered.map_err(|error| {
            log(format_args!("{} {}: {error}", parts.method, parts.uri));
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }

    /// The body, as OCaml sees it.
    async fn body(&self, parts: &request::Parts, incoming: Incoming) -> Result<InBody, StatusCode> {
        if incoming.is_end_stream() {
            return Ok(InBody::Empty);
        }
        if incoming.size_hint().lower() > self.max_body {
            // One that expects `100 Continue` has not sent it yet, and will not.
            if !parts.headers.contains_key(EXPECT) {
                let _ = tokio::time::timeout(PATIENCE, Limited::new(incoming, 0).read()).await;
            }
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let body = Limited::new(incoming, self.max_body);
        Ok(InBody::String(body.read().await?.into()))
    }
}
