//! The RPC server: HTTP and JSON.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ocaml_lwt_interop::Error;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::chain::Chain;
use crate::mempool::Mempool;

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, chain: Chain, mempool: Mempool) -> Result<(), Error> {
    loop {
        let (stream, _) = listener.accept().await?;
        let (chain, mempool) = (chain.clone(), mempool.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| respond(&chain, &mempool, request));
            let connection = hyper::server::conn::http1::Builder::new();
            // A client that goes away is no fault of ours.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond(
    chain: &Chain,
    mempool: &Mempool,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (status, body) = match answer(chain, mempool, request).await {
        Ok(Some(answer)) => (StatusCode::OK, answer),
        Ok(None) => (
            StatusCode::NOT_FOUND,
            json!({ "error": "there is no such thing" }),
        ),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            json!({ "error": error.to_string() }),
        ),
    };
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    Ok(response)
}

async fn answer(
    chain: &Chain,
    mempool: &Mempool,
    request: Request<Incoming>,
) -> Result<Option<Value>, Error> {
    let path = request.uri().path().to_owned();
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    Ok(Some(match (request.method(), &*parts) {
        (&Method::GET, ["version"]) => json!(chain.version()),
        (&Method::GET, ["head"]) => json!(chain.head().await?),
        (&Method::GET, ["blocks", level]) => {
            let level = level.parse()?;
            let block = chain.read(move |store| store.block(level)).await?;
            json!(block)
        }
        (&Method::GET, ["accounts", name]) => {
            let (balance, counter) = chain.account((*name).to_owned()).await?;
            json!({ "balance": balance, "counter": counter })
        }
        (&Method::POST, ["operations"]) => {
            let body = request.into_body().collect().await?.to_bytes();
            json!(mempool.inject(serde_json::from_slice(&body)?).await?)
        }
        _ => return Ok(None),
    }))
}
