//! Streams both ways; see `../test_streams.ml` and `../test_sources.ml`.

use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_lite::StreamExt;
use futures_lite::future::{pending, poll_once};
use ocaml_lwt_interop::{
    Error, FromOCaml, LwtStream, OCamlAsyncFunc, OCamlFunc, Promise, RustStream, SendRustStream,
    ToOCaml, handle, ocaml_runtime,
};

use crate::probe::{Nap, Place, Wait};

/// Items that Rust's streams have given, streams that were dropped, and those of them that were dropped elsewhere.
static GIVEN: AtomicIsize = AtomicIsize::new(0);
static DROPPED: AtomicIsize = AtomicIsize::new(0);
static MISPLACED: AtomicIsize = AtomicIsize::new(0);

#[ocaml_lwt_interop::func]
pub fn streams_begin() {
    for count in [&GIVEN, &DROPPED, &MISPLACED] {
        count.store(0, Ordering::SeqCst);
    }
}

#[ocaml_lwt_interop::func]
pub fn streams_counts() -> (isize, isize, isize) {
    let read = |count: &AtomicIsize| count.load(Ordering::SeqCst);
    (read(&GIVEN), read(&DROPPED), read(&MISPLACED))
}

/// A stream that counts what happens to it, and is dropped where it may be.
struct Watched<S> {
    stream: Pin<Box<S>>,
    home: Place,
}

impl<S: Stream> Stream for Watched<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let polled = self.stream.as_mut().poll_next(context);
        if matches!(polled, Poll::Ready(Some(_))) {
            GIVEN.fetch_add(1, Ordering::SeqCst);
        }
        polled
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        if Place::here() != self.home {
            MISPLACED.fetch_add(1, Ordering::SeqCst);
        }
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

/// What comes behind the last item; `ending` in `test_streams.ml`.
#[derive(Clone, Copy, Debug, FromOCaml)]
#[ocaml(name = "stream_ending")]
pub enum Ending {
    End,
    Error,
    Panic,
    Never,
}

fn script(
    items: isize,
    wait: Wait,
    ending: Ending,
    nap: Nap,
) -> impl Stream<Item = Result<isize, Error>> + Send {
    let stream = futures_lite::stream::unfold(0, move |i| {
        let nap = nap.clone();
        async move {
            let waited = wait.wait(&nap).await;
            let item = match ending {
                _ if waited.is_err() => Err(Error::msg("a nap went wrong")),
                _ if i < items => Ok(i),
                _ if i > items => return None,
                Ending::End => return None,
                Ending::Error => Err(Error::msg("the end")),
                Ending::Panic => panic!("the end"),
                Ending::Never => pending().await,
            };
            Some((item, i + 1))
        }
    });
    Watched {
        stream: Box::pin(stream),
        home: Place::Domain,
    }
}

#[ocaml_lwt_interop::func]
pub fn streams_script(
    items: isize,
    wait: Wait,
    ending: Ending,
    nap: Nap,
) -> impl Stream<Item = Result<isize, Error>> {
    script(items, wait, ending, nap)
}

/// The same, in a promise and with a window.
#[ocaml_lwt_interop::func]
pub fn streams_windowed(
    items: isize,
    wait: Wait,
    ending: Ending,
    nap: Nap,
    window: isize,
) -> RustStream<isize> {
    RustStream::try_new(script(items, wait, ending, nap)).window(window as usize)
}

/// The same, as the argument of an OCaml function that is called from a place.
#[ocaml_lwt_interop::func]
pub async fn streams_argument(
    place: Place,
    items: isize,
    wait: Wait,
    ending: Ending,
    nap: Nap,
    f: OCamlAsyncFunc<(SendRustStream<isize>,), isize>,
) -> Result<isize, Error> {
    let call = async move {
        f.call((SendRustStream::try_new(script(items, wait, ending, nap)),))
            .await
    };
    place.run(call).await
}

#[ocaml_lwt_interop::func]
pub fn streams_numbers(n: isize) -> impl Stream<Item = isize> {
    futures_lite::stream::iter(0..n)
}

#[ocaml_lwt_interop::func(window = 4)]
pub async fn streams_promised(n: isize) -> Result<impl Stream<Item = isize>, Error> {
    if n < 0 {
        return Err(Error::msg("negative"));
    }
    Ok(futures_lite::stream::iter(0..n))
}

#[ocaml_lwt_interop::func(window = 1)]
pub async fn streams_later(n: isize) -> impl Stream<Item = isize> + use<> {
    futures_lite::future::yield_now().await;
    futures_lite::stream::iter(0..n)
}

/// Ends with the exception that a promise was rejected with.
#[ocaml_lwt_interop::func]
pub fn streams_rejected(promise: Promise<isize>) -> impl Stream<Item = Result<isize, Error>> {
    futures_lite::stream::once_future(promise.into_future())
}

#[ocaml_lwt_interop::func]
pub fn streams_panicking_function(panics: bool) -> impl Stream<Item = isize> {
    assert!(!panics, "no stream");
    futures_lite::stream::empty()
}

/// Converts, up to the third of them.
pub struct Fragile(isize);

// SAFETY: it converts to an `int`
unsafe impl<D> ocaml_lwt_interop::OCamlType<D> for Fragile {
    fn ocaml_type(_: &mut ocaml_lwt_interop::Types) -> ocaml_lwt_interop::Type {
        ocaml_lwt_interop::Type::named("int")
    }
}

// SAFETY: an `isize` is
unsafe impl ToOCaml for Fragile {}

// SAFETY: an `isize` is
unsafe impl ocaml::ToValue for Fragile {
    fn to_value(&self, runtime: &ocaml::Runtime) -> ocaml::Value {
        assert!(self.0 != 3, "the third does not convert");
        self.0.to_value(runtime)
    }
}

#[ocaml_lwt_interop::func]
pub fn streams_fragile() -> impl Stream<Item = Fragile> {
    futures_lite::stream::iter((0..10).map(Fragile))
}

/// Panics when it is dropped.
struct Bomb;

impl Stream for Bomb {
    type Item = isize;

    fn poll_next(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<isize>> {
        Poll::Ready(None)
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[ocaml_lwt_interop::func]
pub fn streams_bomb() -> impl Stream<Item = isize> {
    Bomb
}

/// A stream that OCaml keeps twice.
#[ocaml_lwt_interop::func]
pub fn streams_twice(f: OCamlFunc<(ocaml::Value, ocaml::Value), ()>) -> Result<(), Error> {
    use ocaml::ToValue;
    let stream = RustStream::new(futures_lite::stream::iter(0..3));
    let runtime = ocaml_runtime();
    let (first, second) = (stream.to_value(&runtime), stream.to_value(&runtime));
    f.call(&runtime, (first, second))
}

/// What a reader in a place got, and what ended it.
async fn read(mut stream: LwtStream<isize>, most: usize) -> (Vec<isize>, Option<Error>) {
    let mut items = Vec::new();
    while items.len() < most {
        match stream.next().await {
            None => return (items, None),
            Some(Ok(item)) => items.push(item),
            Some(Err(error)) => {
                assert!(stream.next().await.is_none(), "an error is the last item");
                return (items, Some(error));
            }
        }
    }
    (items, None)
}

/// All items, and an error in words. Given up, it drops the stream in its place.
#[ocaml_lwt_interop::func]
pub async fn streams_read(
    place: Place,
    stream: LwtStream<isize>,
    window: isize,
) -> (Vec<isize>, String) {
    let stream = stream.window(window as usize);
    let (items, error) = place.run_while_awaited(read(stream, usize::MAX)).await;
    let words = match error {
        None => "end".to_owned(),
        Some(error) if error.is_broken_promise() => "broken".to_owned(),
        Some(error) => error.to_string(),
    };
    (items, words)
}

/// Their sum; the error is OCaml's again.
#[ocaml_lwt_interop::func]
pub async fn streams_sum(place: Place, stream: LwtStream<isize>) -> Result<isize, Error> {
    match place.run(read(stream, usize::MAX)).await {
        (items, None) => Ok(items.iter().sum()),
        (_, Some(error)) => Err(error),
    }
}

/// The first items; then the stream is dropped, in its place.
#[ocaml_lwt_interop::func]
pub async fn streams_take(
    place: Place,
    stream: LwtStream<isize>,
    window: isize,
    n: isize,
) -> Vec<isize> {
    let stream = stream.window(window as usize);
    place.run(read(stream, n as usize)).await.0
}

/// Polls once, which finds nothing, and drops the stream in its place: before home has begun the read, or when it has.
/// (At home a poll begins it.)
#[ocaml_lwt_interop::func]
pub async fn streams_give_up(place: Place, begun: bool, mut stream: LwtStream<isize>) {
    let home = handle();
    let give_up = async move {
        assert!(poll_once(stream.next()).await.is_none());
        if begun {
            // Behind what the poll has sent home.
            home.call(|_| ()).await.expect("home lives");
            assert!(poll_once(stream.next()).await.is_none());
        }
        drop(stream);
    };
    place.run(give_up).await;
}

/// A stream that waits in Rust, until it is told to go.
static HELD: Mutex<Option<LwtStream<isize>>> = Mutex::new(None);

#[ocaml_lwt_interop::func]
pub fn streams_hold(stream: LwtStream<isize>) {
    let before = HELD.lock().unwrap().replace(stream);
    drop(before);
}

#[ocaml_lwt_interop::func]
pub async fn streams_release(place: Place) {
    place
        .run(async {
            let held = HELD.lock().unwrap().take();
            drop(held);
        })
        .await;
}

/// The sum of a stream that an OCaml function returns, in a promise and at once.
#[ocaml_lwt_interop::func]
pub async fn streams_called(
    place: Place,
    f: OCamlAsyncFunc<(isize,), LwtStream<isize>>,
    g: OCamlFunc<(isize,), LwtStream<isize>>,
) -> Result<isize, Error> {
    let at_once = g.call(&ocaml_runtime(), (10,))?;
    let read = async move {
        let (first, _) = read(f.call((10,)).await?, usize::MAX).await;
        let (second, _) = read(at_once, usize::MAX).await;
        Ok::<isize, Error>(first.iter().chain(&second).sum())
    };
    place.run(read).await
}

#[derive(FromOCaml)]
pub struct Request {
    path: String,
    body: LwtStream<String>,
    length: Option<isize>,
}

#[derive(ToOCaml)]
pub struct Response {
    status: isize,
    #[ocaml(name = "out")]
    body: RustStream<String>,
    reason: String,
}

/// A stream in and a stream out, each in a record, and one made of the other.
#[ocaml_lwt_interop::func]
pub async fn streams_request(request: Request) -> Response {
    let Request { path, body, length } = request;
    Response {
        status: length.unwrap_or(200),
        body: RustStream::try_new(body.map(|item| item.map(|text| text.to_uppercase()))),
        reason: path,
    }
}

/// Strings that no other is like.
#[ocaml_lwt_interop::func]
pub fn streams_strings(n: isize) -> impl Stream<Item = String> {
    futures_lite::stream::iter((0..n).map(|i| format!("{i:100}")))
}

#[ocaml_lwt_interop::func]
pub async fn streams_measure(
    place: Place,
    mut stream: LwtStream<String>,
) -> Result<(isize, isize), Error> {
    let measure = async move {
        let (mut items, mut bytes) = (0, 0);
        while let Some(item) = stream.next().await {
            items += 1;
            bytes += item?.len() as isize;
        }
        Ok((items, bytes))
    };
    place.run(measure).await
}
