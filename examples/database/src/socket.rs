//! A socket that Lwt's own loop waits for, on the thread that also reads and writes it.
//!
//! Tokio waits for its sockets on other threads. To wake one of them, and to be woken by it, takes as long as a small statement
//! takes PostgreSQL.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ocaml_lwt_interop::func::CallFuture;
use ocaml_lwt_interop::{Handle, OCamlAsyncFunc, OCamlFileDescr, handle};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// OCaml's function that waits for a descriptor: until it can be written, if that is true, or else read.
pub type Wait = OCamlAsyncFunc<(OCamlFileDescr, bool), ()>;

/// A call of it.
type Waited = Pin<Box<CallFuture<(OCamlFileDescr, bool), ()>>>;

/// Of either kind.
trait Stream: Read + Write + AsRawFd + Send {
    fn end(&self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn end(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Both)
    }
}

impl Stream for UnixStream {
    fn end(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Both)
    }
}

pub struct Socket {
    /// None when it is being dropped.
    stream: Option<Box<dyn Stream>>,
    readable: Waiting,
    writable: Waiting,
    home: Handle,
}

/// For one of both directions.
struct Waiting {
    wait: Wait,
    arguments: (OCamlFileDescr, bool),
    /// It could not go on, and waits.
    waited: Option<Waited>,
}

impl Waiting {
    fn new(wait: &Wait, arguments: (OCamlFileDescr, bool)) -> Waiting {
        Waiting {
            wait: wait.clone(),
            arguments,
            waited: None,
        }
    }

    fn begin(&mut self) {
        self.waited = Some(Box::pin(self.wait.call(self.arguments)));
    }

    /// Does something that may not be possible now.
    fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        mut f: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            if let Some(waited) = &mut self.waited {
                let readiness = ready!(waited.as_mut().poll(context));
                self.waited = None;
                readiness.map_err(io::Error::other)?;
            }
            match f() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.begin(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return Poll::Ready(result),
            }
        }
    }
}

impl Socket {
    pub async fn tcp(host: &str, port: u16, wait: &Wait) -> io::Result<Socket> {
        let stream = tokio::net::TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        Ok(Socket::new(stream.into_std()?, wait))
    }

    pub async fn unix(path: &std::path::Path, wait: &Wait) -> io::Result<Socket> {
        let stream = tokio::net::UnixStream::connect(path).await?;
        Ok(Socket::new(stream.into_std()?, wait))
    }

    /// Tokio's streams do not block, and stay so.
    fn new(stream: impl Stream + 'static, wait: &Wait) -> Socket {
        let descriptor = OCamlFileDescr(stream.as_raw_fd());
        Socket {
            stream: Some(Box::new(stream)),
            readable: Waiting::new(wait, (descriptor, false)),
            writable: Waiting::new(wait, (descriptor, true)),
            home: handle(),
        }
    }
}

fn open(stream: &mut Option<Box<dyn Stream>>) -> &mut dyn Stream {
    &mut **stream.as_mut().expect("taken by `drop` only")
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let stream = open(&mut this.stream);
        let space = buffer.initialize_unfilled();
        let count = ready!(this.readable.poll(context, || stream.read(space)))?;
        if (1..space.len()).contains(&count) {
            this.readable.begin(); // that was all: asking again would only say so
        }
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let stream = open(&mut this.stream);
        this.writable.poll(context, || stream.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// It is closed when it is dropped.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Lwt's loop must not wait for a descriptor that is closed: its number may soon be another's. So the connection is ended first,
/// and nobody waits for that any more.
impl Drop for Socket {
    fn drop(&mut self) {
        let Some(stream) = self.stream.take() else {
            return;
        };
        let _ = stream.end();
        let waited = [self.readable.waited.take(), self.writable.waited.take()];
        let close = async move {
            for waited in waited.into_iter().flatten() {
                let _ = waited.await;
            }
            drop(stream);
        };
        self.home.spawn(close).detach();
    }
}
