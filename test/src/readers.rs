//! Streams whose writer OCaml's laws tell what to do; see `../test_readers.ml` and `../test_closing.ml`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::Poll;

use futures_core::Stream;
use futures_lite::StreamExt;
use futures_lite::stream::{iter, once, once_future, pending, poll_fn};
use ocaml_lwt_interop::{Error, OCamlFunc, RustStream, ocaml_runtime};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

type Item = Result<isize, Error>;

/// Those that write to the streams which are open, by their numbers.
static WRITERS: Mutex<Option<HashMap<isize, UnboundedSender<Item>>>> = Mutex::new(None);
static LAST: AtomicIsize = AtomicIsize::new(0);

fn writers<R>(f: impl FnOnce(&mut HashMap<isize, UnboundedSender<Item>>) -> R) -> R {
    f(WRITERS.lock().unwrap().get_or_insert_default())
}

/// The number of the stream that is made next.
#[ocaml_lwt_interop::func]
pub fn readers_next() -> isize {
    LAST.load(Ordering::SeqCst) + 1
}

/// A stream of what is sent to it by its number.
fn channel() -> impl Stream<Item = Item> + use<> {
    let number = LAST.fetch_add(1, Ordering::SeqCst) + 1;
    let (sender, mut receiver) = unbounded_channel();
    writers(|writers| writers.insert(number, sender));
    poll_fn(move |context| receiver.poll_recv(context))
}

#[ocaml_lwt_interop::func]
pub fn readers_channel() -> impl Stream<Item = Result<isize, Error>> {
    channel()
}

/// Hands a stream to a function of OCaml's, which keeps it or does not.
#[ocaml_lwt_interop::func]
pub fn readers_hand_over(f: OCamlFunc<(RustStream<isize>,), ()>) -> Result<(), Error> {
    f.call(&ocaml_runtime(), (RustStream::new(pending()),))
}

/// Calls a function of OCaml's, as a server calls its handler.
#[ocaml_lwt_interop::func]
pub async fn readers_handle(f: OCamlFunc<(), ()>) -> Result<(), Error> {
    futures_lite::future::yield_now().await;
    f.call(&ocaml_runtime(), ())
}

/// Whether anybody was there to take it.
#[ocaml_lwt_interop::func]
pub fn readers_send(number: isize, item: isize) -> bool {
    writers(|writers| {
        writers
            .get(&number)
            .is_some_and(|to| to.send(Ok(item)).is_ok())
    })
}

#[ocaml_lwt_interop::func]
pub fn readers_fail(number: isize) {
    let failed = writers(|writers| {
        let writer = writers.remove(&number);
        writer.map(|to| to.send(Err(Error::msg("the writer failed"))))
    });
    drop(failed);
}

#[ocaml_lwt_interop::func]
pub fn readers_end(number: isize) {
    let writer = writers(|writers| writers.remove(&number));
    drop(writer);
}

/// Whether the stream of that number still lives in Rust.
#[ocaml_lwt_interop::func]
pub fn readers_lives(number: isize) -> bool {
    writers(|writers| writers.get(&number).is_some_and(|to| !to.is_closed()))
}

/// Converts, unless it is the one that does not; its destructor may panic, too.
pub struct Fragile {
    item: isize,
    converts: bool,
    drops: bool,
}

// SAFETY: it converts to an `int`
unsafe impl<D> ocaml_lwt_interop::OCamlType<D> for Fragile {
    fn ocaml_type(_: &mut ocaml_lwt_interop::Types) -> ocaml_lwt_interop::Type {
        ocaml_lwt_interop::Type::named("int")
    }
}

// SAFETY: raises nothing, and its value is immediate
unsafe impl ocaml_lwt_interop::ToOCaml for Fragile {}

// SAFETY: an `isize` is
unsafe impl ocaml::ToValue for Fragile {
    fn to_value(&self, runtime: &ocaml::Runtime) -> ocaml::Value {
        assert!(self.converts, "{} does not convert", self.item);
        self.item.to_value(runtime)
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(self.drops, "{} does not drop", self.item);
    }
}

/// Numbers, of which one does not convert, and those from another on do not drop.
fn fragile(
    items: isize,
    converts_not: isize,
    drops_not: isize,
) -> impl Stream<Item = Fragile> + use<> {
    iter((0..items).map(move |item| Fragile {
        item,
        converts: item != converts_not,
        drops: item < drops_not,
    }))
}

/// They come at once, or one by one.
#[ocaml_lwt_interop::func]
pub async fn readers_fragile(
    items: isize,
    converts_not: isize,
    drops_not: isize,
    window: isize,
    one_by_one: bool,
) -> RustStream<Fragile> {
    let stream = fragile(items, converts_not, drops_not);
    let stream = if one_by_one {
        RustStream::new(stream.then(|item| async {
            tokio::task::yield_now().await;
            item
        }))
    } else {
        RustStream::new(stream)
    };
    stream.window(window as usize)
}

/// An error that cannot be shown.
#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words for it")
    }
}

impl std::error::Error for Unspeakable {}

#[ocaml_lwt_interop::func]
pub fn readers_unspeakable(items: isize) -> impl Stream<Item = Result<isize, Error>> {
    iter((0..items).map(Ok).chain([Err(Unspeakable.into())]))
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the stream does not drop");
    }
}

/// Ends with an error, and its destructor panics.
#[ocaml_lwt_interop::func]
pub fn readers_error_and_bomb() -> impl Stream<Item = Result<isize, Error>> {
    let bomb = Bomb;
    iter([Ok(0), Err(Error::msg("the stream failed"))]).map(move |item| {
        let _ = &bomb;
        item
    })
}

#[ocaml_lwt_interop::func]
pub fn readers_silent() -> impl Stream<Item = isize> {
    pending()
}

/// A stream that holds one of two connections and never ends.
#[ocaml_lwt_interop::func]
pub fn readers_connection() -> impl Stream<Item = isize> {
    static CONNECTIONS: Semaphore = Semaphore::const_new(2);
    let permit = async { CONNECTIONS.acquire().await.expect("it is never closed") };
    once_future(permit).flat_map(|permit| once(1).chain(pending()).inspect(move |_| _ = &permit))
}

/// Calls a function of OCaml's in its second poll, which closes it.
#[ocaml_lwt_interop::func]
pub fn readers_closes_itself(f: OCamlFunc<(), ()>) -> impl Stream<Item = Result<isize, Error>> {
    let mut polls = 0;
    poll_fn(move |context| {
        polls += 1;
        context.waker().wake_by_ref();
        match polls {
            1 => Poll::Pending,
            2 => {
                f.call(&ocaml_runtime(), ())?;
                Poll::Ready(Some(Ok(1)))
            }
            _ => Poll::Pending,
        }
    })
}
