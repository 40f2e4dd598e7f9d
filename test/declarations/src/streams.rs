//! Streams, in a module of their own.

use futures_core::Stream;
use ocaml_lwt_interop::{ByteBuf, Error, LwtStream, RustStream, func};

/// A stream at once.
#[func(window = 4)]
pub fn count(till: isize) -> impl Stream<Item = isize> {
    futures_lite::stream::iter(0..till)
}

/// The errors of the items end it, and are in no type.
#[func]
pub async fn fallible(path: String) -> impl Stream<Item = Result<ByteBuf, Error>> + use<> {
    futures_lite::stream::iter([Ok(ByteBuf(path.into_bytes()))])
}

#[func]
pub async fn opened(path: String) -> Result<impl Stream<Item = String>, Error> {
    Ok(futures_lite::stream::once(path))
}

#[func]
pub async fn total(mut numbers: LwtStream<isize>) -> Result<isize, Error> {
    use futures_lite::StreamExt;
    let mut total = 0;
    while let Some(number) = numbers.next().await {
        total += number?;
    }
    Ok(total)
}

/// A module in a module.
pub mod inner {
    use super::{RustStream, func};

    #[func(name = "inner_both")]
    pub async fn both() -> (RustStream<isize>, isize) {
        (RustStream::new(futures_lite::stream::once(1)), 2)
    }
}
