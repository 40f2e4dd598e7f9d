//! The Rust half of `rust_http`: HTTP/1.1 with reqwest, and TLS with rustls. OCaml's module `Driver` is made from it, and
//! `rust_http.mli` is what a program sees.

mod failure;

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use ocaml_lwt_interop::{
    ByteBuf, Error, FromOCaml, LwtStream, OCamlList, RustStream, ToOCaml, func, object,
};
use reqwest::Certificate;

pub use failure::{Failed, Kind};

use failure::failed;

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, FromOCaml)]
#[ocaml(name = "meth")]
pub enum Method {
    /// Read.
    Get,
    /// Asked for, without the body.
    Head,
    /// Written.
    Put,
    /// Deleted.
    Delete,
    /// What the server makes of it: the only one here that is not idempotent.
    Post,
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Head => Self::HEAD,
            Method::Put => Self::PUT,
            Method::Delete => Self::DELETE,
            Method::Post => Self::POST,
        }
    }
}

/// What is sent.
#[derive(FromOCaml)]
pub struct Request {
    meth: Method,
    url: String,
    headers: OCamlList<(String, ByteBuf)>,
    body: Option<LwtStream<ByteBuf>>,
    /// Seconds, until the last byte of the response is there.
    timeout: Option<f64>,
}

/// What comes back.
#[derive(ToOCaml)]
pub struct Response {
    status: u16,
    headers: OCamlList<(String, ByteBuf)>,
    /// How long the body is, if the server says so.
    length: Option<usize>,
    body: RustStream<ByteBuf>,
}

/// Connections, which are kept for the next request.
#[object]
pub struct Client(reqwest::Client);

#[func]
impl Client {
    /// Gives up a connection that is not there within so many seconds. It trusts the system's certificates, or where some are given,
    /// in PEM, those only.
    #[func(sync)]
    pub fn create(connect_timeout: f64, certificates: Vec<ByteBuf>) -> Result<Client, Error> {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(Duration::try_from_secs_f64(connect_timeout)?)
            .user_agent("rust_http");
        if !certificates.is_empty() {
            let mut trusted = Vec::new();
            for pem in certificates {
                trusted.extend(Certificate::from_pem_bundle(&pem).map_err(failed)?);
            }
            if trusted.is_empty() {
                let none = "there is no certificate in what is to be trusted";
                return Err(Failed(Kind::Request, none.to_owned()).into());
            }
            builder = builder.tls_certs_only(trusted);
        }
        Ok(Client(builder.build().map_err(failed)?))
    }

    /// The response, once its head is there. When OCaml cancels, this future is dropped, and the connection with it.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let mut builder = self.0.request(request.meth.into(), request.url);
        for (name, value) in request.headers.0 {
            builder = builder.header(name, value.0);
        }
        if let Some(seconds) = request.timeout {
            builder = builder.timeout(Duration::try_from_secs_f64(seconds)?);
        }
        if let Some(chunks) = request.body {
            // hyper reads OCaml's stream on Tokio's threads, when the socket has room.
            let chunks = chunks.map(|chunk| chunk.map(|bytes| bytes.0).map_err(Error::into_std));
            builder = builder.body(reqwest::Body::wrap_stream(chunks));
        }
        let response = builder.send().await.map_err(failed)?;
        let headers = response.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), ByteBuf(value.as_bytes().into())));
        Ok(Response {
            status: response.status().as_u16(),
            headers: OCamlList(headers.collect()),
            length: response.content_length().map(|length| length as usize),
            body: RustStream::try_new(chunks(response)).window(1),
        })
    }
}

/// The body, no faster than it is read.
fn chunks(response: reqwest::Response) -> impl stream::Stream<Item = Result<ByteBuf, Error>> {
    stream::try_unfold(response, |mut response| async move {
        let chunk = response.chunk().await.map_err(failed)?;
        Ok(chunk.map(|bytes| (ByteBuf(bytes.into()), response)))
    })
}
