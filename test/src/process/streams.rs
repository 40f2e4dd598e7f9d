//! Streams that are there when the process ends, or forks.

use futures_core::Stream;
use futures_lite::StreamExt;
use futures_lite::future::pending;
use futures_lite::stream::unfold;
use ocaml_lwt_interop::{LwtStream, func};

use super::{Noisy, shown};

/// So many numbers, and then nothing for ever.
#[func]
pub fn process_stream(name: String, n: isize) -> impl Stream<Item = isize> {
    unfold((Noisy(name), 0), move |(noisy, i)| async move {
        if i == n {
            pending::<()>().await;
        }
        Some((i, (noisy, i + 1)))
    })
}

/// Reads a stream on a Tokio worker, and says what ended it.
#[func]
pub fn process_reads_stream(name: String, mut stream: LwtStream<isize>) {
    tokio::spawn(async move {
        let noisy = Noisy(name);
        let mut items = 0;
        let ending = loop {
            match stream.next().await {
                Some(Ok(_)) => items += 1,
                Some(Err(error)) => break Err::<(), _>(error),
                None => break Ok(()),
            }
        };
        // At the end it hears so, if Tokio polls it once more.
        if !matches!(&ending, Err(error) if error.is_broken_promise()) {
            println!("{items} items, {}", shown(ending));
        }
        drop(noisy);
    });
}
