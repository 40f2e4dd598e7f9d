//! Operations of every kind, thousands at a time; see `../stress/README.md`.

use std::future::pending;
use std::sync::Mutex;

use futures_lite::future::yield_now;
use ocaml_lwt_interop::{
    DomainPool, Error, Handle, JoinHandle, Lent, LwtStream, OCamlAsyncFunc, OCamlFunc, OCamlValue,
    Object, Promise, SendRustStream, func, handle, object, ocaml_runtime, run_blocking_in_ocaml,
};

use crate::matrix::Ending;

mod operation;

use operation::*;

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
pub async fn stress_blocking_call(
    op: Operation,
    f: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
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

/// Writes to OCaml's array, if it ends with a value. It is OCaml's again by then.
#[func]
pub async fn stress_lent(op: Operation, mut array: Lent<u8>) -> Result<isize, Error> {
    let write = async move {
        let value = op.work().await?;
        array.fill(op.number as u8);
        Ok(value)
    };
    op.place.run(write).await
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
pub fn stress_run_blocking_on_pool(
    op: Operation,
    f: OCamlFunc<(isize,), isize>,
) -> Result<isize, Error> {
    handle().run_blocking(|runtime| f.call(runtime, (op.number,)))?
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
