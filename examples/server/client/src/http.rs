//! With hyper's client.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Result;

/// A connection. Its task ends with it.
pub async fn connect<B>(port: u16) -> Result<SendRequest<B>>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

pub fn request<B>(method: &str, target: &str, body: B) -> Result<Request<B>> {
    let request = Request::builder().method(method).uri(target);
    Ok(request.header("host", "localhost").body(body)?)
}

pub async fn chunk(body: &mut Incoming) -> Result<Option<Bytes>> {
    while let Some(frame) = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
        if let Ok(chunk) = frame?.into_data() {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

pub async fn text(response: Response<Incoming>) -> Result<String> {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunk(&mut body).await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8(bytes)?)
}

/// The numbers in what `/counts` says: running, cancelled, tasks, subscriptions, roots.
pub async fn counts(port: u16) -> Result<Vec<usize>> {
    let mut sender = connect::<String>(port).await?;
    let response = sender
        .send_request(request("GET", "/counts", String::new())?)
        .await?;
    let text = text(response).await?;
    let words = text.split(|c: char| !c.is_ascii_digit());
    Ok(words.filter_map(|word| word.parse().ok()).collect())
}

/// Waits until the counts are as wanted. The law's limit ends it otherwise.
pub async fn until(port: u16, wanted: impl Fn(&[usize]) -> bool) -> Result<Vec<usize>> {
    loop {
        let counts = counts(port).await?;
        if wanted(&counts) {
            return Ok(counts);
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

pub async fn keep_alive(port: u16) -> Result<()> {
    let mut sender = connect::<String>(port).await?;
    for i in 0..1000 {
        sender.ready().await?;
        let (method, target, body, expected) = match i % 3 {
            0 => ("GET", "/", String::new(), "hello\n".to_owned()),
            1 => ("POST", "/echo", format!("body {i}"), format!("body {i}")),
            _ => ("GET", "/nowhere", String::new(), "not found\n".to_owned()),
        };
        let text = text(sender.send_request(request(method, target, body)?).await?).await?;
        if text != expected {
            return Err(format!("request {i}: {text:?}").into());
        }
    }
    Ok(())
}

/// A body that is handed over chunk by chunk, so that it is sent in chunks.
struct Chunks(tokio::sync::mpsc::Receiver<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Self::Error>>> {
        self.0
            .poll_recv(context)
            .map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}

/// The echo of a chunk is there before the next one is sent: nothing waits for the end.
pub async fn both_ways(port: u16) -> Result<()> {
    let mut sender = connect::<Chunks>(port).await?;
    let (chunks, body) = tokio::sync::mpsc::channel(1);
    let response = sender
        .send_request(request("POST", "/echo", Chunks(body))?)
        .await?;
    let mut echo = response.into_body();
    for i in 0..100 {
        let sent = Bytes::from(format!("chunk {i} "));
        chunks.send(sent.clone()).await?;
        let mut received = Vec::new();
        while received.len() < sent.len() {
            let more = chunk(&mut echo).await?.ok_or("the echo ended too early")?;
            received.extend_from_slice(&more);
        }
        if received != sent {
            return Err(format!("chunk {i}: {received:?}").into());
        }
    }
    drop(chunks);
    match chunk(&mut echo).await? {
        None => Ok(()),
        Some(more) => Err(format!("more than was sent: {more:?}").into()),
    }
}
