//! What an operation does, wherever it is done.

use std::future::{Future, pending};
use std::sync::{LazyLock, Mutex, mpsc};
use std::time::Duration;

use futures_core::Stream;
use futures_lite::StreamExt;
use futures_lite::future::{poll_once, yield_now};
use ocaml_lwt_interop::{Error, FromOCaml, LwtStream, handle, tokio_rt};

use crate::matrix::Ending;
use crate::plain_thread::{awaited, spawn_on_a_thread};

/// Where the work is done; `place` in `operation.ml`, as the types that follow.
#[derive(Clone, Copy, Debug, FromOCaml)]
#[ocaml(name = "stress_place")]
pub enum Place {
    Home,
    Tokio,
    Thread,
}

/// What it waits for before it ends.
#[derive(Clone, Copy, Debug, FromOCaml)]
#[ocaml(name = "stress_wait")]
pub enum Wait {
    Nothing,
    Yields,
    Timer,
    Task,
    #[ocaml(name = "Plain_thread")]
    Thread,
}

#[derive(Clone, Copy, Debug, FromOCaml)]
pub struct Operation {
    pub(super) number: isize,
    pub(super) place: Place,
    pub(super) wait: Wait,
    pub(super) turns: isize,
    pub(super) ending: Ending,
    pub(super) protects: bool,
    /// Drops what it awaits after so many turns, unless negative.
    pub(super) gives_up: isize,
}

/// What an operation gives that has given up.
pub(super) const GIVEN_UP: isize = -1;

type Job = Box<dyn FnOnce() + Send>;

/// Plain threads that run what blocks.
pub(super) static JOBS: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
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

impl Place {
    /// Runs a future there and awaits it here. A panic there goes on here.
    pub(super) async fn run<F>(self, future: F) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match self {
            Place::Home => future.await,
            Place::Tokio => awaited(tokio_rt().spawn(future)).await,
            Place::Thread => awaited(spawn_on_a_thread(future)).await,
        }
    }

    /// Starts a future there, which nobody awaits.
    pub(super) fn start(self, future: impl Future<Output = ()> + Send + 'static) {
        match self {
            Place::Home => handle().spawn(future).detach(),
            Place::Tokio => drop(tokio_rt().spawn(future)),
            Place::Thread => drop(spawn_on_a_thread(future)),
        }
    }
}

impl Operation {
    pub(super) async fn wait(self) {
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
            Wait::Thread => drop(spawn_on_a_thread(yield_now()).await),
        }
    }

    pub(super) fn end(self) -> Result<isize, Error> {
        let n = self.number;
        match self.ending {
            Ending::Value => Ok(n + 1),
            Ending::Error => Err(Error::msg(format!("error of {n}"))),
            Ending::Panic | Ending::Dropped => panic!("panic of {n}"),
        }
    }

    pub(super) async fn work(self) -> Result<isize, Error> {
        self.wait().await;
        self.end()
    }

    /// What the future gives, unless it takes too long.
    pub(super) async fn within(
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
    pub(super) fn items(self) -> isize {
        3 * self.turns
    }

    /// How many items of a stream may cross at once.
    pub(super) fn window(self) -> usize {
        1 + self.turns as usize
    }

    /// A few items at a time, and its ending; one that is dropped has none.
    pub(super) fn stream(self) -> impl Stream<Item = Result<isize, Error>> + Send {
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
    pub(super) async fn read(self, mut stream: LwtStream<isize>) -> Result<isize, Error> {
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
