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

/// What `/counts` says.
pub async fn counts_as_text(port: u16) -> Result<String> {
    let mut sender = connect::<String>(port).await?;
    let request = request("GET", "/counts", String::new())?;
    text(sender.send_request(request).await?).await
}

/// The numbers in it: running, cancelled, tasks, subscriptions, roots.
pub async fn counts(port: u16) -> Result<Vec<usize>> {
    let text = counts_as_text(port).await?;
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

/// 100 MB, sent and received at a time, after 10 MB, for which the server may take what memory it wants. `after` is
/// called after each.
pub async fn upload(port: u16, mut after: impl FnMut() -> Result<()>) -> Result<()> {
    const CHUNK: usize = 100_000;
    let byte = |i: usize| (i % 251) as u8;
    for size in [10_000_000, 100_000_000] {
        let mut sender = connect::<Chunks>(port).await?;
        let (chunks, body) = tokio::sync::mpsc::channel(1);
        let upload = tokio::spawn(async move {
            for start in (0..size).step_by(CHUNK) {
                let chunk: Vec<u8> = (start..start + CHUNK).map(byte).collect();
                if chunks.send(chunk.into()).await.is_err() {
                    return;
                }
            }
        });
        let response = sender
            .send_request(request("POST", "/echo", Chunks(body))?)
            .await?;
        let mut echo = response.into_body();
        let mut received = 0;
        while let Some(chunk) = chunk(&mut echo).await? {
            if !chunk.iter().zip(received..).all(|(&is, i)| is == byte(i)) {
                return Err(format!("not what was sent, after {received} bytes").into());
            }
            received += chunk.len();
        }
        upload.await?;
        if received != size {
            return Err(format!("{received} bytes of {size}").into());
        }
        after()?;
    }
    Ok(())
}

/// The most memory that a process has had, in kB.
pub fn high_water(pid: &str) -> Result<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kilobytes.ok_or("no VmHWM")?.parse()?)
}

pub async fn constant_memory(port: u16, pid: &str) -> Result<()> {
    let mut before = None;
    upload(port, || {
        let now = high_water(pid)?;
        let before = *before.get_or_insert(now);
        if now > before + 20_000 {
            return Err(format!("{now} kB after 100 MB, {before} kB after 10 MB").into());
        }
        Ok(())
    })
    .await
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
