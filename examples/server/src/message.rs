//! Requests and responses: what crosses, and hyper's types.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::{self, request};
use ocaml_lwt_interop::{ByteBuf, Error, FromOCaml, OCamlList, ToOCaml};

use crate::body::{InBody, OutBody, Outgoing};

/// What a client asks.
#[derive(ToOCaml)]
pub struct Request {
    /// `"GET"`
    meth: String,
    /// The path, and what follows it: `"/search?q=lwt"`.
    target: String,
    /// The module `Headers` looks into them.
    headers: Headers,
    /// What the client sends.
    body: InBody,
}

/// The headers of a request: a line `name: value` for each, in one string. As a list of pairs, each header would be five
/// allocations, and most handlers look at few of them or none.
#[derive(ToOCaml)]
#[ocaml(unboxed)]
pub struct Headers(ByteBuf);

/// What the client gets.
#[derive(FromOCaml)]
pub struct Response {
    /// 200
    status: usize,
    /// Names and values.
    headers: OCamlList<(ByteBuf, ByteBuf)>,
    /// What the server sends.
    body: OutBody,
}

impl Request {
    pub fn new(parts: &request::Parts, body: InBody) -> Self {
        let target = parts.uri.path_and_query();
        Request {
            meth: parts.method.as_str().to_owned(),
            // `OPTIONS *`, or an authority alone.
            target: target.map_or_else(|| parts.uri.to_string(), |target| target.to_string()),
            headers: lines(&parts.headers),
            body,
        }
    }
}

/// A value has no line breaks.
fn lines(headers: &HeaderMap) -> Headers {
    let length = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 3;
    let mut lines = Vec::with_capacity(headers.iter().map(length).sum());
    for (name, value) in headers {
        lines.extend_from_slice(name.as_str().as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.push(b'\n');
    }
    Headers(ByteBuf(lines))
}

impl Response {
    /// # Errors
    /// The status, or a header's name or value, is not one of HTTP's.
    pub fn into_hyper(self) -> Result<hyper::Response<Outgoing>, Error> {
        let mut response = hyper::Response::new(self.body.into());
        *response.status_mut() = http::StatusCode::from_u16(u16::try_from(self.status)?)?;
        for (name, value) in self.headers {
            response.headers_mut().append(
                HeaderName::from_bytes(&name)?,
                HeaderValue::from_maybe_shared(hyper::body::Bytes::from(value.0))?,
            );
        }
        Ok(response)
    }
}

/// A response that the server gives by itself.
pub fn plain(status: http::StatusCode) -> hyper::Response<Outgoing> {
    let text = status.canonical_reason().unwrap_or_default();
    let mut response = hyper::Response::new(Outgoing::from(format!("{text}\n").into_bytes()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain"),
    );
    response
}
