//! Chapter 6: streams.

// -- a stream of Rust's --
use futures_lite::{Stream, StreamExt, stream};
use ocaml_lwt_interop::{Error, LwtStream, func};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, BufReader};

/// The lines of a file.
#[func(window = 64)]
pub async fn lines(path: String) -> Result<impl Stream<Item = Result<String, Error>>, Error> {
    let lines = BufReader::new(File::open(path).await?).lines();
    Ok(stream::try_unfold(lines, |mut lines| async move {
        let line = lines.next_line().await?;
        Ok(line.map(|line| (line, lines)))
    }))
}

// -- a stream of OCaml's --
/// How many of the lines are links, and how many there are.
#[func]
pub async fn count_links(mut lines: LwtStream<String>) -> Result<(usize, usize), Error> {
    let (mut links, mut all) = (0, 0);
    while let Some(line) = lines.next().await {
        all += 1;
        links += usize::from(line?.contains("://"));
    }
    Ok((links, all))
}

/// The hosts of the links, as the links come.
#[func]
pub fn hosts(links: LwtStream<String>) -> impl Stream<Item = Result<String, Error>> {
    links.map(|link| {
        let link = link?;
        let host = link
            .split('/')
            .nth(2)
            .ok_or_else(|| Error::msg(format!("{link} has no host")))?;
        Ok(host.to_owned())
    })
}

// -- a slow reader --
/// The pages of an index without end. It says which ones it makes.
#[func(window = 2)]
pub fn pages() -> impl Stream<Item = String> {
    let open = Index;
    stream::unfold((open, 1), |(open, number)| async move {
        println!("page {number} is made");
        Some((format!("page {number}"), (open, number + 1)))
    })
}

/// Says when it is closed.
struct Index;

impl Drop for Index {
    fn drop(&mut self) {
        println!("the index is closed");
    }
}
