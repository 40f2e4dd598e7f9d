//! Streams both ways, and one that stays in Rust.

use std::hint::black_box;

use futures_core::Stream;
use futures_lite::StreamExt;
use futures_lite::future::{block_on, yield_now};
use futures_lite::stream::{iter, unfold};
use ocaml_lwt_interop::{Error, LwtStream, OCamlAsyncFunc, func};

use crate::clock::nanoseconds_since;

/// Numbers in Rust alone, boxed as those that cross are.
#[ocaml::func]
pub fn bench_stream_alone(n: isize) -> isize {
    let beginning = std::time::Instant::now();
    let mut stream = iter(0..n).boxed_local();
    block_on(async {
        while let Some(item) = stream.next().await {
            black_box(item);
        }
    });
    nanoseconds_since(beginning)
}

#[func]
pub fn bench_stream_numbers(n: isize) -> impl Stream<Item = isize> {
    iter(0..n)
}

#[func(window = 256)]
pub fn bench_stream_numbers_256(n: isize) -> impl Stream<Item = isize> {
    iter(0..n)
}

#[func]
pub fn bench_stream_strings(n: isize) -> impl Stream<Item = String> {
    iter((0..n).map(|_| String::from("ten bytes.")))
}

/// Each comes by itself.
#[func]
pub fn bench_stream_yields(n: isize) -> impl Stream<Item = isize> {
    unfold(0, move |i| async move {
        yield_now().await;
        (i < n).then_some((i, i + 1))
    })
}

#[func]
pub async fn bench_stream_read(mut stream: LwtStream<isize>) -> Result<(), Error> {
    while let Some(item) = stream.next().await {
        black_box(item?);
    }
    Ok(())
}

#[func]
pub async fn bench_stream_read_256(stream: LwtStream<isize>) -> Result<(), Error> {
    let mut stream = stream.window(256);
    while let Some(item) = stream.next().await {
        black_box(item?);
    }
    Ok(())
}

#[func]
pub async fn bench_stream_read_strings(mut stream: LwtStream<String>) -> Result<(), Error> {
    while let Some(item) = stream.next().await {
        black_box(item?);
    }
    Ok(())
}

/// What a program without streams would have for one: a call for each item, and `None` at the end.
#[func]
pub async fn bench_stream_item(left: isize) -> Option<isize> {
    (left > 0).then_some(left)
}

#[func]
pub async fn bench_stream_item_yields(left: isize) -> Option<isize> {
    yield_now().await;
    (left > 0).then_some(left)
}

/// The same in the other direction.
#[func]
pub async fn bench_stream_get(next: OCamlAsyncFunc<(), Option<isize>>) -> Result<(), Error> {
    while let Some(item) = next.call(()).await? {
        black_box(item);
    }
    Ok(())
}
