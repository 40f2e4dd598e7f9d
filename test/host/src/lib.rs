//! What Rust and OCaml say to one another in these tests.

use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use ocaml_lwt_interop::{
    Error, FromOCaml, LwtStream, OCamlFunc, Object, Provided, SendRustStream, ToOCaml, interface,
    ocaml_runtime, run_blocking_in_ocaml,
};

/// A block of operations.
#[derive(Clone, Debug, ToOCaml)]
pub struct Block {
    /// Its number.
    pub height: isize,
    /// What it does.
    pub operations: Vec<String>,
}

/// A block with one operation.
pub fn block(operation: &str) -> Block {
    Block {
        height: 1,
        operations: vec![operation.to_owned()],
    }
}

/// What has become of it.
#[derive(Debug, PartialEq, FromOCaml)]
pub struct Receipt {
    /// The block's.
    pub height: isize,
    /// How many operations.
    pub applied: usize,
}

/// What is wrong with it.
#[derive(Debug, FromOCaml)]
pub enum Refused {
    /// There is nothing in it.
    Empty {
        /// The block's.
        height: isize,
    },
    /// OCaml has failed: no value of OCaml's.
    #[ocaml(rust_only)]
    Failed(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused::Failed(error)
    }
}

/// What Rust wants of OCaml.
#[interface]
pub trait Protocol {
    /// Applies a block.
    async fn apply(&self, block: Block) -> Result<Receipt, Refused>;
    /// Which one it is.
    fn version(&self) -> String;
}

/// Every kind of function.
#[interface]
pub trait Kinds {
    /// Is never resolved.
    async fn forever(&self) -> Result<(), Error>;
    /// How many of those were cancelled.
    fn cancelled(&self) -> isize;
    /// Raises an exception of OCaml's own.
    async fn raise(&self) -> Result<(), Error>;
    /// Raises it, and has no place for it.
    fn raise_without_place(&self) -> isize;
    /// Whether that exception is the same when it has been through Rust and its threads.
    async fn keeps_identity(&self) -> Result<bool, Error>;
    /// The numbers up to there.
    fn count_to(&self, last: isize) -> LwtStream<isize>;
    /// Their sum.
    async fn sum(&self, numbers: SendRustStream<isize>) -> Result<isize, Error>;
    /// Adds to it, so many times.
    async fn add_to(&self, counter: Object<Counter>, times: isize) -> Result<(), Error>;
    /// Text, so many times, if that is said.
    async fn repeat(
        &self,
        #[ocaml(optional)] times: Option<isize>,
        #[ocaml(label)] text: String,
        unit: (),
    ) -> Result<String, Error>;
    /// Calls `ready` so often, and no turn of the loop between.
    async fn ready_calls(&self, count: isize) -> Result<isize, Error>;
    /// Calls `exit`.
    async fn exit(&self, code: isize) -> Result<(), Error>;
    /// Calls `exit`, on a thread of its own.
    async fn exit_on_a_thread(&self, code: isize) -> Result<(), Error>;
    /// Raises out of Lwt's loop.
    async fn leave_the_loop(&self) -> Result<(), Error>;
    /// Computes for ever.
    async fn spin(&self) -> Result<(), Error>;
    /// Sleeps for so many seconds, with Rust's timer.
    async fn sleep(&self, seconds: f64) -> Result<(), Error>;
    /// The exit code of a child that exits with this.
    async fn child_exits(&self, code: isize) -> Result<isize, Error>;
    /// Makes that many lists.
    async fn allocate(&self, lists: isize) -> Result<isize, Error>;
    /// Recursion without end.
    async fn deep(&self) -> Result<isize, Error>;
    /// Shuts the bridge down, from OCaml.
    async fn shut_down(&self) -> Result<(), Error>;
    /// On a worker domain: its value, or -1 where there are none.
    async fn on_a_domain(&self, value: isize) -> Result<isize, Error>;
}

/// What ends OCaml's code, or should not.
#[derive(Clone, Copy, Debug, ToOCaml)]
pub enum Act {
    /// `exit`, with this.
    Exit(isize),
    /// `Unix._exit`, with this.
    ExitAtOnce(isize),
    /// `Thread.exit`.
    ExitThread,
    /// An exception.
    Raise,
    /// `Stack_overflow`.
    Overflow,
    /// `Out_of_memory`.
    Exhaust,
    /// `Lwt_main.run`, where it runs.
    RunLoop,
}

/// Where OCaml's code does it.
#[derive(Clone, Copy, Debug, ToOCaml)]
pub enum Place {
    /// In the function that Rust has called.
    Call,
    /// In its promise.
    Promise,
    /// In a callback on a promise.
    Callback,
    /// In a promise of nobody's.
    Async,
    /// In a hook of the loop.
    Hook,
    /// On a thread of OCaml's.
    OtherThread,
    /// In a finaliser.
    Finaliser,
    /// In a handler of SIGTERM, which the process gets.
    SignalHandler,
    /// In a handler of Lwt's for it.
    LwtSignalHandler,
    /// In a hook of `at_exit`.
    AtExit,
    /// In a function of OCaml's that Rust calls, that OCaml has called.
    CallOfRust,
    /// In a function of OCaml's that a blocking thread runs.
    BlockingThread,
    /// In a job of a worker domain, beside one that waits for Rust; in the call where there are no such domains.
    Job,
    /// In a function of OCaml's that Rust calls, that such a job has called.
    JobCallOfRust,
}

/// OCaml's code that ends.
#[interface]
pub trait Endings {
    /// Does it there, and is never resolved otherwise.
    async fn end(&self, act: Act, place: Place) -> Result<(), Error>;
    /// Does it at once.
    fn end_now(&self, act: Act) -> Result<(), Error>;
}

/// Calls it.
#[ocaml_lwt_interop::func(sync)]
pub fn call_back(function: OCamlFunc<(), ()>) -> Result<(), Error> {
    function.call(&ocaml_runtime(), ())
}

/// Has a blocking thread call it.
#[ocaml_lwt_interop::func]
pub async fn call_on_a_blocking_thread(function: OCamlFunc<(), ()>) -> Result<(), Error> {
    run_blocking_in_ocaml(&function, ()).await
}

/// One number, which is Rust's.
#[ocaml_lwt_interop::object]
pub struct Counter(pub AtomicIsize);

#[ocaml_lwt_interop::func]
impl Counter {
    /// Adds one.
    pub async fn add(&self) {
        tokio::task::yield_now().await;
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Is ready at once.
#[ocaml_lwt_interop::func]
pub async fn ready(n: isize) -> isize {
    n + 1
}

/// Waits with Rust's timer.
#[ocaml_lwt_interop::func]
pub async fn rust_sleep(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// An implementation as an argument.
#[ocaml_lwt_interop::func]
pub async fn version_of(protocol: Provided<dyn Protocol>) -> String {
    let protocol = protocol.into_arc();
    let blocking = tokio::task::spawn_blocking(move || protocol.version());
    blocking.await.expect("it does not panic")
}

/// What an implementation raises, as it comes back from one of Tokio's threads.
#[ocaml_lwt_interop::func]
pub async fn raised_by(kinds: Provided<dyn Kinds>) -> Result<(), Error> {
    tokio::spawn(kinds.raise()).await?
}
