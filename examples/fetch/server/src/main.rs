//! The server of the tests and of the demo, on two ports of 127.0.0.1, with and without TLS. It does what a path says, and counts:
//!
//! | | |
//! |---|---|
//! | `GET /bytes/N` | N bytes: the one at `i` is `i % 251` |
//! | `GET /flaky/K/…` | K times 503, and then `at last` |
//! | `GET /torn/K/N` | N bytes, of which half are sent, K times, before the connection is closed; and then all |
//! | `GET /half/N` | half of N bytes, and nothing more |
//! | `GET /status/N` | that status |
//! | `GET /hang`, `PUT /hang` | no answer |
//! | `GET /together/N/…` | answers when N such requests are there |
//! | `PUT /echo` | the body |
//! | `PUT /count` | how many bytes the body has |
//! | `PUT /stuck` | the same, but nothing is read before somebody asks for `/go` |
//! | `GET /counts` | what it has counted, see `counts.rs` |
//!
//! `fetch-server FILE` makes a certificate for 127.0.0.1, writes that of its authority into FILE, prints `HTTP_PORT HTTPS_PORT`, and
//! ends when its standard input does.

mod body;
mod certificate;
mod counts;

use std::error::Error;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpListener;

use body::{Body, Until};
use counts::{Counts, Current};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let file = std::env::args_os()
        .nth(1)
        .ok_or("usage: fetch-server FILE")?;
    let (authority, acceptor) = certificate::make()?;
    std::fs::write(file, authority)?;
    let plain = TcpListener::bind(("127.0.0.1", 0)).await?;
    let secure = TcpListener::bind(("127.0.0.1", 0)).await?;
    let ports = (plain.local_addr()?.port(), secure.local_addr()?.port());
    println!("{} {}", ports.0, ports.1);

    let counts = Arc::new(Counts::default());
    tokio::spawn({
        let counts = Arc::clone(&counts);
        async move {
            while let Ok((socket, _)) = plain.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&counts)));
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((socket, _)) = secure.accept().await {
            let (acceptor, counts) = (acceptor.clone(), Arc::clone(&counts));
            tokio::spawn(async move {
                if let Ok(socket) = acceptor.accept(socket).await {
                    serve(socket, counts).await;
                }
            });
        }
    });
    while tokio::io::stdin().read(&mut [0; 64]).await? > 0 {}
    Ok(())
}

async fn serve(socket: impl AsyncRead + AsyncWrite + Unpin, counts: Arc<Counts>) {
    let answer = |request| answer(request, Arc::clone(&counts));
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(socket), service_fn(answer));
    // Clients that go away, and bodies that are torn on purpose.
    let _ = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    counts: Arc<Counts>,
) -> Result<Response<Body>, Failure> {
    let path = request.uri().path().to_owned();
    if path == "/counts" {
        return Ok(Response::new(Body::text(counts.to_string(), None)));
    }
    let before = counts.requests(&path);
    let current = Current::begin(&counts);
    let words: Vec<&str> = path.split('/').skip(1).collect();
    let number = |i: usize| {
        words
            .get(i)
            .and_then(|word| word.parse::<u64>().ok())
            .ok_or(path.as_str())
    };
    Ok(match words[0] {
        "bytes" => Response::new(Body::bytes(number(1)?, Until::End, current)),
        "flaky" if before < number(1)? => status(503, current)?,
        "flaky" => Response::new(Body::text("at last".to_owned(), Some(current))),
        "torn" if before < number(1)? => {
            Response::new(Body::bytes(number(2)?, Until::Torn, current))
        }
        "torn" => Response::new(Body::bytes(number(2)?, Until::End, current)),
        "half" => Response::new(Body::bytes(number(1)?, Until::Stuck, current)),
        "status" => status(number(1)? as u16, current)?,
        "together" => {
            let group = number(1)?;
            counts.together(group).await;
            Response::new(Body::text("together".to_owned(), Some(current)))
        }
        "echo" => Response::new(Body::echo(request.into_body(), current)),
        "count" => {
            let count = body::count(request.into_body(), &counts).await?;
            Response::new(Body::text(count.to_string(), Some(current)))
        }
        "stuck" => {
            counts.go().await;
            let count = body::count(request.into_body(), &counts).await?;
            Response::new(Body::text(count.to_string(), Some(current)))
        }
        "go" => {
            counts.went();
            Response::new(Body::text(String::new(), Some(current)))
        }
        "hang" => {
            body::count(request.into_body(), &counts).await?;
            // Dropped, with `current`, when the client goes away.
            std::future::pending().await
        }
        _ => status(404, current)?,
    })
}

fn status(status: u16, current: Current) -> Result<Response<Body>, Failure> {
    let mut response = Response::new(Body::text(String::new(), Some(current)));
    *response.status_mut() = StatusCode::from_u16(status)?;
    Ok(response)
}
