//! Streams both ways; see `../test_streams.ml`.

use futures_core::Stream;
use futures_lite::StreamExt;
use ocaml_lwt_interop::{Error, LwtStream};

#[ocaml_lwt_interop::func]
pub fn streams_numbers(n: isize) -> impl Stream<Item = isize> {
    futures_lite::stream::iter(0..n)
}

#[ocaml_lwt_interop::func(window = 4)]
pub async fn streams_promised(n: isize) -> Result<impl Stream<Item = Result<isize, Error>>, Error> {
    if n < 0 {
        return Err(Error::msg("negative"));
    }
    Ok(futures_lite::stream::iter(0..=n).map(move |i| {
        if i < n {
            Ok(i)
        } else {
            Err(Error::msg("the end"))
        }
    }))
}

#[ocaml_lwt_interop::func]
pub async fn streams_sum(mut stream: LwtStream<isize>) -> Result<isize, Error> {
    let mut sum = 0;
    while let Some(item) = stream.next().await {
        sum += item?;
    }
    Ok(sum)
}
