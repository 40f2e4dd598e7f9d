//! Chapter 8: bytes without copies.

// -- OCaml's memory in Rust --
use ocaml_lwt_interop::{Error, Lent, OwnedArray, func};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Reads from a server into OCaml's memory, until it is full or the server has ended. Gives the number of bytes.
#[func]
pub async fn receive(port: u16, mut buffer: Lent<u8>) -> Result<usize, Error> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut length = 0;
    while length < buffer.len() {
        match server.read(&mut buffer[length..]).await? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

// -- Rust's memory in OCaml --
/// How often each byte comes in a picture.
#[func(blocking)]
pub fn histogram(picture: Lent<u8>) -> OwnedArray<i64> {
    let mut counts = vec![0; 256];
    for byte in &*picture {
        counts[usize::from(*byte)] += 1;
    }
    counts.into()
}
