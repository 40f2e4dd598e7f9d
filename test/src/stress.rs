//! Operations of every kind, thousands at a time; see `../stress/README.md`.

use std::future::{Future, pending};
use std::sync::{LazyLock, Mutex, mpsc};
use std::time::Duration;

use futures_core::Stream;
use futures_lite::StreamExt;
use futures_lite::future::{poll_once, yield_now};
use ocaml_lwt_interop::{
    DomainPool, Error, FromOCaml, Handle, JoinHandle, LwtStream, OCamlAsyncFunc, OCamlFunc,
    OCamlValue, Object, Promise, SendRustStream, func, handle, object, ocaml_runtime,
    run_blocking_in_ocaml, run_in_ocaml_domain, tokio_rt,
};

use crate::matrix::Ending;

/// Where the work is done; `place` in `operation.ml`, as the types that follow.
#[derive(Clone, Copy, Debug, FromOCaml)]
pub enum Place {
    Home,
    Tokio,
    Thread,
}

/// What it waits for before it ends.
#[derive(Clone, Copy, Debug, FromOCaml)]
pub enum Wait {
    Nothing,
    Yields,
    Timer,
    Task,
    Thread,
}

#[derive(Clone, Copy, Debug, FromOCaml)]
pub struct Operation {
    number: isize,
    place: Place,
    wait: Wait,
    turns: isize,
    ending: Ending,
    protects: bool,
    /// Drops what it awaits after so many turns, unless negative.
    gives_up: isize,
}

/// What an operation gives that has given up.
const GIVEN_UP: isize = -1;

/// A plain thread that runs futures.
static FUTURES: LazyLock<tokio::runtime::Handle> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("there are descriptors left");
        sender
            .send(runtime.handle().clone())
            .expect("somebody waits");
        runtime.block_on(pending::<()>());
    });
    receiver.recv().expect("the thread sends it")
});

type Job = Box<dyn FnOnce() + Send>;

/// Plain threads that run what blocks.
static JOBS: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
    static QUEUE: Mutex<Option<mpsc::Receiver<Job>>> = Mutex::new(None);
    let (sender, receiver) = mpsc::channel();
    *QUEUE.lock().unwrap() = Some(receiver);
    for _ in 0..2 {
        std::thread::spawn(|| {
            loop {
                let job = QUEUE.lock().unwrap().as_ref().map(mpsc::Receiver::recv);
                match job {
                    Some(Ok(job)) => job(),
                    _ => return,
                }
            }
        });
    }
    sender
});

/// A task that ends with the future that awaits it.
struct Aborting<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Place {
    /// Runs a future there and awaits it here. A panic there goes on here.
    async fn run<F>(self, future: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let mut task = match self {
            Place::Home => return future.await,
            Place::Tokio => Aborting(tokio_rt().spawn(future)),
            Place::Thread => Aborting(FUTURES.spawn(future)),
        };
        match (&mut task.0).await {
            Ok(output) => output,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Starts a future there, which nobody awaits.
    fn start(self, future: impl Future<Output = ()> + Send + 'static) {
        match self {
            Place::Home => handle().spawn(future).detach(),
            Place::Tokio => drop(tokio_rt().spawn(future)),
            Place::Thread => drop(FUTURES.spawn(future)),
        }
    }
}

impl Operation {
    async fn wait(self) {
        match self.wait {
            Wait::Nothing => {}
            Wait::Yields => {
                for _ in 0..self.turns {
                    yield_now().await;
                }
            }
            Wait::Timer => {
                tokio::time::sleep(Duration::from_micros(200 * self.turns as u64)).await;
            }
            Wait::Task => drop(tokio_rt().spawn(yield_now()).await),
            Wait::Thread => drop(FUTURES.spawn(yield_now()).await),
        }
    }

    fn end(self) -> Result<isize, Error> {
        let n = self.number;
        match self.ending {
            Ending::Value => Ok(n + 1),
            Ending::Error => Err(Error::msg(format!("error of {n}"))),
            Ending::Panic | Ending::Dropped => panic!("panic of {n}"),
        }
    }

    async fn work(self) -> Result<isize, Error> {
        self.wait().await;
        self.end()
    }

    /// What the future gives, unless it takes too long.
    async fn within(
        self,
        mut future: impl Future<Output = Result<isize, Error>> + Unpin,
    ) -> Result<isize, Error> {
        if self.gives_up < 0 {
            return future.await;
        }
        if let Wait::Timer = self.wait {
            let time = Duration::from_micros(200 * self.gives_up as u64);
            let ended = tokio::time::timeout(time, future).await;
            return ended.unwrap_or(Ok(GIVEN_UP));
        }
        for _ in 0..=self.gives_up {
            if let Some(ended) = poll_once(&mut future).await {
                return ended;
            }
            yield_now().await;
        }
        Ok(GIVEN_UP)
    }
}

impl Operation {
    /// How many items a stream has.
    fn items(self) -> isize {
        3 * self.turns
    }

    /// How many items of a stream may cross at once.
    fn window(self) -> usize {
        1 + self.turns as usize
    }

    /// A few items at a time, and its ending; one that is dropped has none.
    fn stream(self) -> impl Stream<Item = Result<isize, Error>> + Send {
        futures_lite::stream::unfold(0, move |i| async move {
            if i % 4 == 0 {
                self.wait().await;
            }
            if i < self.items() {
                return Some((Ok(self.number + i), i + 1));
            }
            match self.ending {
                Ending::Value => None,
                Ending::Error | Ending::Panic => Some((self.end(), i + 1)),
                Ending::Dropped => pending().await,
            }
        })
    }

    /// Reads every item of OCaml's, in order, and what comes behind the last.
    async fn read(self, mut stream: LwtStream<isize>) -> Result<isize, Error> {
        let mut read = 0;
        let ending = loop {
            if read % 4 == 0 {
                self.wait().await;
            }
            match stream.next().await {
                Some(Ok(item)) if item == self.number + read && read < self.items() => read += 1,
                Some(Ok(item)) => panic!("item {read} of {} is {item}", self.items()),
                Some(Err(error)) => break Err(error),
                None => break Ok(self.number + 1),
            }
        };
        assert_eq!(read, self.items(), "so many items came before the ending");
        assert!(stream.next().await.is_none(), "the ending is the last");
        ending
    }
}

// OCaml calls Rust.

#[func]
pub async fn stress_function(op: Operation) -> Result<isize, Error> {
    if let Ending::Dropped = op.ending {
        return op.place.run(aborted(handle(), op)).await;
    }
    op.place.run(op.work()).await
}

/// A task at home that is aborted from elsewhere.
async fn aborted(home: Handle, op: Operation) -> Result<isize, Error> {
    /// The task waits for ever, so it goes with the future that would abort it.
    struct Aborts(Option<JoinHandle<isize>>);
    impl Drop for Aborts {
        fn drop(&mut self) {
            self.0.iter().for_each(JoinHandle::abort);
        }
    }
    let mut task = Aborts(Some(home.spawn(pending())));
    op.wait().await;
    let task = task.0.take().expect("taken once");
    task.abort();
    task.await
}

#[func(cancel = "detach")]
pub async fn stress_detached(op: Operation) -> Result<isize, Error> {
    op.place.run(op.work()).await
}

#[func(tokio)]
pub async fn stress_on_workers(op: Operation) -> Result<isize, Error> {
    op.work().await
}

/// An object that may hold another, and whose destructor says something to whoever reads.
#[object]
pub struct StressObject {
    number: isize,
    holds: Mutex<Option<Object<StressObject>>>,
}

impl Drop for StressObject {
    fn drop(&mut self) {
        self.number = -1;
        std::hint::black_box(&self.number);
    }
}

#[func]
impl StressObject {
    #[func(sync)]
    pub fn make(number: isize) -> StressObject {
        StressObject {
            number,
            holds: Mutex::new(None),
        }
    }

    #[func(sync)]
    pub fn hold(&self, other: Object<StressObject>) {
        *self.holds.lock().unwrap() = Some(other);
    }

    async fn work(&self, mut op: Operation) -> Result<isize, Error> {
        op.wait().await;
        op.number = self.number;
        op.work().await
    }

    pub async fn at_home(&self, op: Operation) -> Result<isize, Error> {
        self.work(op).await
    }

    #[func(tokio)]
    pub async fn on_workers(&self, op: Operation) -> Result<isize, Error> {
        self.work(op).await
    }
}

#[func(blocking)]
pub fn stress_blocking(op: Operation) -> Result<isize, Error> {
    for _ in 0..op.turns {
        std::thread::yield_now();
    }
    op.end()
}

/// Holds one of everything until it is cancelled.
#[func]
pub async fn stress_hold(
    op: Operation,
    promise: Promise<isize>,
    function: OCamlAsyncFunc<(isize,), isize>,
    value: OCamlValue,
) -> isize {
    let held = (promise, function, value);
    op.place
        .run(async move {
            pending::<()>().await;
            drop(held);
            0
        })
        .await
}

/// Leaves handles to be dropped elsewhere, each at its own time.
#[func]
pub fn stress_scatter(
    op: Operation,
    promise: Promise<isize>,
    function: OCamlFunc<(isize,), isize>,
    value: OCamlValue,
) -> isize {
    let (settled, resolver) = Promise::<isize>::new(&ocaml_runtime());
    let (places, turns) = ([Place::Tokio, Place::Thread], op.turns);
    let later = move |i: usize| async move {
        for _ in 0..turns + i as isize {
            yield_now().await;
        }
    };
    for (i, place) in places.into_iter().enumerate() {
        let handles = (promise_of(i, &value), function.clone());
        place.start(async move {
            later(i).await;
            drop(handles);
        });
    }
    op.place.start(async move {
        later(1).await;
        drop((promise, value, settled));
        later(0).await;
        drop(resolver);
    });
    op.number + 1
}

/// Different types for different threads.
fn promise_of(i: usize, value: &OCamlValue) -> Option<OCamlValue> {
    (i == 0).then(|| value.clone())
}

// Rust calls OCaml, and awaits it.

#[func]
pub async fn stress_callback(
    op: Operation,
    f: OCamlAsyncFunc<(isize,), isize>,
) -> Result<isize, Error> {
    let call = async move {
        op.wait().await;
        let call = f.call((op.number,));
        op.within(if op.protects { call.protected() } else { call })
            .await
    };
    op.place.run(call).await
}

#[func]
pub async fn stress_text(
    op: Operation,
    text: String,
    f: OCamlAsyncFunc<(String,), String>,
) -> Result<String, Error> {
    op.place.run(async move { f.call((text,)).await }).await
}

#[func]
pub async fn stress_promise(op: Operation, promise: Promise<isize>) -> Result<isize, Error> {
    let promise = if op.protects {
        promise.protected()
    } else {
        promise
    };
    let future = promise.into_future();
    op.place.run(op.within(future)).await
}

#[func]
pub fn stress_resolver(op: Operation) -> Promise<isize> {
    let (promise, resolver) = Promise::new(&ocaml_runtime());
    op.place.start(async move {
        op.wait().await;
        match op.ending {
            Ending::Value => resolver.resolve(op.number + 1),
            Ending::Error => resolver.reject(Error::msg(format!("error of {}", op.number))),
            Ending::Panic => panic!("panic of {}", op.number),
            Ending::Dropped => drop(resolver),
        }
    });
    promise
}

#[func]
pub async fn stress_call_async(
    op: Operation,
    f: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
    let call = async move { op.within(f.call_async((op.number,))).await };
    op.place.run(call).await
}

#[func]
pub async fn stress_guest(op: Operation, f: OCamlFunc<(isize,), isize>) -> Result<isize, Error> {
    let call = async move { op.within(run_blocking_in_ocaml(&f, (op.number,))).await };
    op.place.run(call).await
}

#[func]
pub async fn stress_pool_call(
    op: Operation,
    pool: DomainPool,
    f: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
    let call = async move { op.within(pool.call(&f, (op.number,))).await };
    op.place.run(call).await
}

// Work is sent home.

#[func]
pub async fn stress_spawn(op: Operation) -> Result<isize, Error> {
    let home = handle();
    op.place
        .run(async move { home.spawn(op.work()).await? })
        .await
}

#[func]
pub async fn stress_handle_call(op: Operation) -> Result<isize, Error> {
    let home = handle();
    op.place
        .run(async move { home.call(move |_| op.end()).await? })
        .await
}

/// Blocks one of Tokio's threads for home.
#[func(blocking)]
pub fn stress_run_in_ocaml_domain(
    op: Operation,
    f: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
    run_in_ocaml_domain(&handle(), |runtime| f.call(runtime, (op.number,)))?
}

/// Blocks a plain thread for home.
#[func]
pub async fn stress_run_blocking(op: Operation) -> Result<isize, Error> {
    let home = handle();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let job = Box::new(move || drop(sender.send(home.run_blocking(|_| op.end()))));
    JOBS.send(job).expect("the threads live");
    receiver.await??
}

// Streams.

/// Made in its place, and polled at home.
#[func]
pub async fn stress_rust_stream(op: Operation) -> SendRustStream<isize> {
    let make = async move { SendRustStream::try_new(op.stream()).window(op.window()) };
    op.place.run(make).await
}

#[func]
pub async fn stress_ocaml_stream(op: Operation, stream: LwtStream<isize>) -> Result<isize, Error> {
    let read = op.read(stream.window(op.window()));
    op.place
        .run(async move { op.within(Box::pin(read)).await })
        .await
}

/// Panics of operations are expected, by the thousand. Before the first `#[func]` is called, whose hook comes in front.
#[ocaml::func]
pub fn stress_silence_panics() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let message = info.payload().downcast_ref::<String>();
        if !message.is_some_and(|message| message.starts_with("panic of ")) {
            previous(info);
        }
    }));
}
