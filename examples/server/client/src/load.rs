//! Load, while somebody stops the server.

use std::cell::Cell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;

/// Fifty clients send one request after the other, each on a connection of its own, until an answer says that it is the
/// last one; every other client asks for what takes a while. Prints `under way` when all were answered once; then
/// somebody stops the server. None of the requests that were sent stays without its answer.
pub async fn until_told_to_close(port: u16) -> Result<()> {
    let started = Rc::new(Cell::new(0));
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let clients: Vec<_> = (0..50)
                .map(|i| tokio::task::spawn_local(client(port, i, started.clone())))
                .collect();
            let mut answered = 0;
            for client in clients {
                answered += client.await??;
            }
            println!("{answered} requests, each answered");
            Ok(())
        })
        .await
}

async fn client(
    port: u16,
    i: usize,
    started: Rc<Cell<usize>>,
) -> std::result::Result<usize, String> {
    let (target, expected) = if i % 2 == 0 {
        ("/", "hello\n")
    } else {
        ("/slow/0.005", "at last\n")
    };
    let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .map_err(|e| e.to_string())?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    let mut buffer = [0; 1024];
    for answered in 1..1_000_000 {
        let lost = |what: &str| format!("client {i}: request {answered} is lost: {what}");
        stream
            .write_all(request.as_bytes())
            .await
            .map_err(|error| lost(&error.to_string()))?;
        let mut length = 0;
        // The answer is whole when its body is: there is nothing behind it.
        while !buffer[..length].ends_with(expected.as_bytes()) {
            match stream.read(&mut buffer[length..]).await {
                Ok(0) => return Err(lost("the connection was closed")),
                Ok(more) => length += more,
                Err(error) => return Err(lost(&error.to_string())),
            }
        }
        if answered == 1 {
            started.set(started.get() + 1);
            if started.get() == 50 {
                println!("under way");
            }
        }
        let answer = String::from_utf8_lossy(&buffer[..length]);
        if answer.contains("connection: close\r\n") {
            return Ok(answered);
        }
    }
    Err(format!("client {i} was never told to close"))
}
