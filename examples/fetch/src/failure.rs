//! What goes wrong.

use std::error::Error as StdError;
use std::io;

use ocaml_lwt_interop::{Error, Exception, FromOCaml, ToOCaml};

/// What a program can do about it.
#[derive(Clone, Copy, Debug, PartialEq, FromOCaml, ToOCaml)]
pub enum Kind {
    /// The server is not there, was gone before it answered, or does not speak HTTP.
    Connect,
    /// It took too long.
    Timeout,
    /// The server has answered with a status that is no success.
    Status(u16),
    /// The server's certificate is not to be trusted, or it does not speak TLS.
    Tls,
    /// A body has broken off.
    Body,
    /// There is no such request: a URL that is none, a header with a line break.
    Request,
}

/// A request has failed. The text says why.
#[derive(Clone, Debug, Exception)]
pub struct Failed(pub Kind, pub String);

/// What becomes of reqwest's errors. One that has wrapped an OCaml exception, that of a body's stream, is this exception.
pub fn failed(error: reqwest::Error) -> Error {
    let kind = kind(&error);
    let error = Error::from(error.without_url()); // which the program knows
    if error.is_rust_error() {
        Failed(kind, error.chain().join(": ")).into()
    } else {
        error
    }
}

fn kind(error: &reqwest::Error) -> Kind {
    if sources(error).any(|source| source.is::<rustls::Error>()) {
        Kind::Tls
    } else if error.is_timeout() {
        Kind::Timeout
    } else if error.is_builder() || error.is_redirect() {
        Kind::Request
    } else if error.is_body() || error.is_decode() {
        Kind::Body
    } else {
        Kind::Connect
    }
}

type Source = dyn StdError + 'static;

/// The error and its sources. A `std::io::Error` leaves out the one that it holds.
fn sources(error: &Source) -> impl Iterator<Item = &Source> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &Source),
            None => error.source(),
        }
    })
}
