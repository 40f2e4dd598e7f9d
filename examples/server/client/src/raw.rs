//! Bytes on a socket, where a client of HTTP would be too well-behaved.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::Result;
use crate::http::{self, counts, until};

async fn connect(port: u16) -> Result<TcpStream> {
    Ok(TcpStream::connect(("127.0.0.1", port)).await?)
}

/// 200 requests in one write. The answers come in their order, whichever is ready first.
pub async fn pipelining(port: u16) -> Result<()> {
    let mut stream = connect(port).await?;
    let mut requests = String::new();
    for i in 0..100 {
        let body = format!("<{i}>");
        requests += &format!(
            "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        requests += if i % 10 == 0 {
            "GET /slow/0.01 HTTP/1.1\r\nhost: x\r\n\r\n"
        } else {
            "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
        };
    }
    requests += "GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(requests.as_bytes()).await?;
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await?;
    let mut rest = answers.as_str();
    for i in 0..100 {
        for expected in [
            format!("\r\n\r\n<{i}>"),
            if i % 10 == 0 {
                "\r\n\r\nat last\n"
            } else {
                "\r\n\r\nhello\n"
            }
            .to_owned(),
        ] {
            let at = rest.find("\r\n\r\n").ok_or("too few answers")?;
            rest = rest[at..]
                .strip_prefix(&expected)
                .ok_or_else(|| format!("not {expected:?} but {:?}", &rest[at..]))?;
        }
    }
    if !rest.starts_with("HTTP/1.1 404") || !rest.ends_with("not found\n") {
        return Err(format!("the last answer: {rest:?}").into());
    }
    Ok(())
}

/// A hundred clients go while their handlers wait: closed, or with a reset.
pub async fn go_away(port: u16) -> Result<()> {
    let before = counts(port).await?;
    for reset in [false, true] {
        let mut streams = Vec::new();
        for _ in 0..50 {
            let mut stream = connect(port).await?;
            stream
                .write_all(b"GET /slow/1000 HTTP/1.1\r\nhost: x\r\n\r\n")
                .await?;
            streams.push(stream);
        }
        let running = |counts: &[usize]| counts[0] == before[0] + 50;
        until(port, running).await?;
        if reset {
            // What closes with unread data, or with this, resets.
            for stream in &streams {
                stream.set_zero_linger()?;
            }
        }
        drop(streams);
        let cancelled = before[1] + if reset { 100 } else { 50 };
        until(port, |counts| {
            counts[0] == before[0] && counts[1] == cancelled
        })
        .await?;
    }
    // Their tasks, waits and values are gone as well.
    until(port, |counts| counts[2..] == before[2..]).await?;
    Ok(())
}

/// In the middle of a body that is announced, and of one that is not.
pub async fn go_away_in_an_upload(port: u16) -> Result<()> {
    let before = counts(port).await?;
    for head in [
        "content-length: 100",
        "content-length: 1000000",
        "transfer-encoding: chunked",
    ] {
        for _ in 0..20 {
            let mut stream = connect(port).await?;
            let part = format!("POST /echo HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n32\r\nsome of it");
            stream.write_all(part.as_bytes()).await?;
        }
    }
    until(port, |counts| counts[2..] == before[2..]).await?;
    Ok(())
}

/// In the middle of an answer that never ends.
pub async fn go_away_in_a_download(port: u16) -> Result<()> {
    let before = counts(port).await?;
    for _ in 0..20 {
        let mut stream = connect(port).await?;
        stream
            .write_all(b"GET /forever HTTP/1.1\r\nhost: x\r\n\r\n")
            .await?;
        let mut some_of_it = [0; 1000];
        stream.read_exact(&mut some_of_it).await?;
    }
    until(port, |counts| counts[2..] == before[2..]).await?;
    Ok(())
}

/// How large Linux lets the buffer of a connection grow by itself, in bytes: tcp(7). It differs from machine to machine.
fn largest_buffer(name: &str) -> Result<usize> {
    let text = std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}"))?;
    Ok(text
        .split_whitespace()
        .last()
        .ok_or("an empty file")?
        .parse()?)
}

/// One client sends its request byte by byte, and one does not read its answer. A thousand requests of another one are
/// not kept waiting by them.
pub async fn slow(port: u16) -> Result<()> {
    let mut writer = connect(port).await?;
    // What its two ends may keep for it, not counting the server, is little at this end, and what the kernel says at the
    // server's.
    let reader = TcpSocket::new_v4()?;
    reader.set_send_buffer_size(1 << 16)?;
    reader.set_recv_buffer_size(1 << 16)?;
    let mut reader = reader.connect(([127, 0, 0, 1], port).into()).await?;
    let size = 10_000_000 + largest_buffer("tcp_rmem")? + largest_buffer("tcp_wmem")?;
    let head = format!(
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n"
    );
    reader.write_all(head.as_bytes()).await?;
    let (mut answer, mut body) = reader.into_split();
    let upload =
        tokio::spawn(async move { body.write_all(&vec![b'x'; size]).await.map(|()| body) });

    let request =
        b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
    let mut longest = Duration::ZERO;
    let mut sender = http::connect::<String>(port).await?;
    for i in 0..1000 {
        if let Some(byte) = request.get(i) {
            writer.write_all(&[*byte]).await?;
        }
        let before = Instant::now();
        sender.ready().await?;
        let response = sender
            .send_request(http::request("GET", "/", String::new())?)
            .await?;
        http::text(response).await?;
        longest = longest.max(before.elapsed());
    }
    if longest > Duration::from_secs(1) {
        return Err(format!("a fast client waited for {longest:?}").into());
    }
    let mut text = String::new();
    writer.read_to_string(&mut text).await?;
    if !text.ends_with("\r\n\r\nhello") {
        return Err(format!("the slow writer was answered {text:?}").into());
    }
    // Nobody has read: had the server taken all of it, it would be in its memory.
    if upload.is_finished() {
        return Err(format!("{size} bytes were taken of a client that reads nothing").into());
    }
    let mut echo = Vec::new();
    answer.read_to_end(&mut echo).await?;
    upload.await??;
    let at = echo
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or("no answer")?;
    let received = echo[at + 4..].iter().filter(|&&byte| byte == b'x').count();
    if received != size {
        return Err(format!("the slow reader got {received} of {size}").into());
    }
    Ok(())
}

/// The server was started with `--header-timeout 0.5`.
pub async fn slow_headers(port: u16) -> Result<()> {
    let before = Instant::now();
    let mut idle = connect(port).await?;
    let mut slow = connect(port).await?;
    slow.write_all(b"GET / HTTP/1.1\r\nhost:").await?;
    let mut text = String::new();
    idle.read_to_string(&mut text).await?;
    slow.read_to_string(&mut text).await?;
    if !text.is_empty() || before.elapsed() < Duration::from_millis(400) {
        return Err(format!("after {:?}: {text:?}", before.elapsed()).into());
    }
    Ok(())
}
