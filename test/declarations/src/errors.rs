//! Exceptions, and polymorphic variants.

use ocaml_lwt_interop::{
    ByteBuf, Error, Exception, FromOCaml, OCamlAsyncFunc, OCamlFunc, ToOCaml, func, ocaml_runtime,
};

/// The file cannot be read.
#[derive(Clone, Debug, PartialEq, Exception)]
pub struct Unreadable {
    /// Where it should be.
    path: ByteBuf,
    #[ocaml(name = "method")]
    reason: String,
}

#[derive(Exception)]
pub struct Refused(isize, Option<String>);

#[derive(Exception)]
#[ocaml(name = "Gone")]
pub struct IsGone;

/// Fails with the exception of that number, on a worker.
#[func(tokio)]
pub async fn fail(which: isize) -> Result<(), Error> {
    futures_lite::future::yield_now().await;
    match which {
        0 => Err(Unreadable {
            path: ByteBuf(b"/\xff".to_vec()),
            reason: "none".to_owned(),
        })?,
        1 => Err(Refused(3, Some("no".to_owned())))?,
        _ => Err(IsGone)?,
    }
}

/// What it says of the exception that `f` fails with.
#[func]
pub async fn told(f: OCamlAsyncFunc<(), ()>) -> Result<String, Error> {
    let error = match f.call(()).await {
        Ok(()) => return Ok("none".to_owned()),
        Err(error) => error,
    };
    let exception = error
        .exception()
        .ok_or_else(|| Error::msg("no exception"))?;
    let runtime = ocaml_runtime();
    if let Some(Unreadable { path, reason }) = exception.get(&runtime) {
        return Ok(format!("unreadable {:?} {reason}", path.0));
    }
    if let Some(Refused(code, why)) = exception.get(&runtime) {
        return Ok(format!("refused {code} {why:?}"));
    }
    Ok(match exception.get(&runtime) {
        Some(IsGone) => "gone".to_owned(),
        None => "another".to_owned(),
    })
}

/// What can go wrong.
#[derive(FromOCaml, ToOCaml)]
#[ocaml(polymorphic)]
pub enum NetError {
    Timeout,
    /// With a text.
    Io(String),
    Status(isize, f64),
    #[ocaml(name = "tls")]
    Tls((isize, isize)),
}

#[derive(FromOCaml, ToOCaml)]
#[ocaml(polymorphic)]
pub enum Other {
    Other,
    Timeout,
}

/// A polymorphic variant in a record is what it is.
#[derive(FromOCaml, ToOCaml)]
pub struct Attempt {
    result: Result<isize, NetError>,
}

#[func(sync)]
pub fn echo_net_error(value: NetError) -> NetError {
    value
}

#[func(sync)]
pub fn echo_attempt(value: Attempt) -> Attempt {
    value
}

#[func]
pub async fn fetch(n: isize) -> Result<isize, NetError> {
    match n {
        0 => Err(NetError::Timeout),
        1 => Err(NetError::Io("io".to_owned())),
        n => Ok(n),
    }
}

#[func]
pub async fn store(n: isize) -> Result<isize, Other> {
    if n == 2 { Err(Other::Other) } else { Ok(n) }
}

#[func]
pub async fn handled(handler: OCamlAsyncFunc<(NetError,), bool>) -> Result<bool, Error> {
    handler.call((NetError::Io("x".to_owned()),)).await
}

/// With functions of its parameter: a row of tags in it is what it is.
#[derive(FromOCaml, ToOCaml)]
pub struct Handler<T> {
    handler: OCamlFunc<(T,), bool>,
}

#[func(sync)]
pub fn echo_handler(value: Handler<NetError>) -> Handler<NetError> {
    value
}
