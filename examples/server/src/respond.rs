//! A request becomes a response: by the OCaml handler, or without it.

use std::cell::Cell;

use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, EXPECT, HeaderValue};
use hyper::http::{StatusCode, request};

use crate::body::{InBody, Outgoing};
use crate::message::{Request, plain};
use crate::upload::{self, Upload};
use crate::{Handler, log};

/// What the connections share.
pub struct Server {
    handler: Handler,
    max_body: u64,
    stopping: Cell<bool>,
}

/// A body that is announced and no larger is read before the handler is called, which gets it as a string: streams cost
/// more than they are worth then.
const SMALL: u64 = 64 << 10;

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
        let mut response = match self.body(&parts, incoming).await {
            Ok((body, upload)) => self.answer(&parts, body, upload).await,
            Err(status) => plain(status),
        };
        if self.stopping.get() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        response
    }

    /// The body as OCaml sees it, and the server's end of it if that is a stream.
    async fn body(
        &self,
        parts: &request::Parts,
        incoming: Incoming,
    ) -> Result<(InBody, Option<Upload>), StatusCode> {
        if incoming.is_end_stream() {
            return Ok((InBody::Empty, None));
        }
        let size = incoming.size_hint();
        if size.lower() > self.max_body {
            if !parts.headers.contains_key(EXPECT) {
                upload::discard(incoming).await;
            }
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        match size.exact() {
            Some(size @ ..=SMALL) => {
                let bytes = upload::read(incoming, size as usize).await?;
                Ok((InBody::String(bytes.into()), None))
            }
            _ => {
                let upload = Upload::new(incoming, self.max_body);
                Ok((InBody::Stream(upload.stream()), Some(upload)))
            }
        }
    }

    async fn answer(
        &self,
        parts: &request::Parts,
        body: InBody,
        upload: Option<Upload>,
    ) -> hyper::Response<Outgoing> {
        let answered = match self.handler.call((Request::new(parts, body),)).await {
            Ok(response) => response.into_hyper(),
            Err(error) => Err(error),
        };
        let refused = upload.as_ref().and_then(Upload::refused);
        let mut response = answered.unwrap_or_else(|error| {
            plain(refused.unwrap_or_else(|| {
                log(format_args!("{} {}: {error}", parts.method, parts.uri));
                StatusCode::INTERNAL_SERVER_ERROR
            }))
        });
        match response.body_mut() {
            Outgoing::Stream { upload: place, .. } => *place = upload,
            Outgoing::Bytes(_) => {
                if let Some(rest) = upload.and_then(|upload| upload.close()) {
                    upload::discard(rest).await;
                }
            }
        }
        response
    }
}
