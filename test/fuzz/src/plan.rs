//! What a program does: a tree, whose nodes are Rust's and OCaml's in turn. Each half performs its own nodes, and passes the others
//! on: so a plan crosses the border wherever the program does.

use ocaml_lwt_interop::{ByteBuf, FromOCaml, OCamlList, ToOCaml};

/// What a computation gives, of every shape that a value has.
#[derive(Clone, Debug, PartialEq, FromOCaml, ToOCaml)]
pub enum Value {
    Nothing,
    /// What took too long.
    Late,
    Int(isize),
    Text(String),
    Octets(ByteBuf),
    Float(f64),
    Wide(i64),
    Numbers(OCamlList<isize>),
    Many(Vec<Value>),
    Maybe(Option<Result<isize, String>>),
    Record(Record),
}

#[derive(Clone, Debug, PartialEq, FromOCaml, ToOCaml)]
pub struct Record {
    pub whole: isize,
    pub floating: f64,
    pub floats: Vec<f64>,
    pub pair: (String, bool),
}

/// Where a future of Rust's runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum Place {
    AtHome,
    OnTokio,
    OnAThread,
    InTheBlockingPool,
}

/// What becomes of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum Join {
    /// It is awaited, and dropped with who awaits it. A panic goes on.
    Awaited,
    /// Its handle is awaited: a panic is an error.
    Joined,
    /// It is aborted as soon as it is there, and its handle is awaited.
    Aborted,
    /// Nobody waits for it.
    LetGo,
}

/// How Rust calls OCaml.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum Way {
    /// A function that returns a promise.
    Function,
    ProtectedFunction,
    /// A function that gives the promise, which is awaited then.
    Promise,
    ProtectedPromise,
    /// A function that returns its value at once: awaited, called where Rust is at home, in a closure that is sent home.
    CallAsync,
    Call,
    Closure,
    /// A thread of Tokio's blocks for a closure at home.
    RunBlocking,
    /// A thread of OCaml's, for what blocks.
    OnABlockingThread,
    /// A worker domain.
    OnAWorkerDomain,
    /// Functions of an interface: one that is awaited, and one that blocks.
    Interface,
    InterfaceBlocks,
}

/// What Rust's half does.
#[derive(Clone, Debug, FromOCaml, ToOCaml)]
pub enum InRust {
    Give(Value),
    Fail(isize),
    /// An exception that Rust declares.
    Declared(isize),
    Panic(isize),
    /// Only where somebody drops it.
    Stall,
    Yields(isize),
    Timer(isize),
    /// One after the other; the value of the last.
    Then(Vec<InRust>),
    /// The second, if the first gives an error.
    Recover(Vec<InRust>),
    /// The first, and whatever it gives, the second behind it.
    Finally(Vec<InRust>),
    Task(Place, Join, Vec<InRust>),
    /// Whichever ends first; the others are dropped.
    Select(Vec<InRust>),
    Timeout(isize, Vec<InRust>),
    Ocaml(Way, Vec<InOcaml>),
    ReadLwt(LwtItems),
}

/// How OCaml calls Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum Kind {
    Func,
    Detached,
    Tokio,
    Blocking,
    Sync,
    Method,
    MethodTokio,
    MethodBlocking,
    MethodSync,
    /// A promise of Rust's making, settled by its resolver.
    Resolver(Place),
    SpawnLwt,
    Lent(Place),
}

/// What OCaml's half does.
#[derive(Clone, Debug, FromOCaml, ToOCaml)]
pub enum InOcaml {
    Return(Value),
    Raise(isize),
    /// Only where somebody cancels it.
    WaitForEver,
    Pause(isize),
    Sleep(isize),
    /// One after the other; the value of the last.
    Bind(Vec<InOcaml>),
    /// The second, if the first fails.
    Catch(Vec<InOcaml>),
    WithValue(isize, Vec<InOcaml>),
    Collect(Collection),
    CancelAfter(isize, Vec<InOcaml>),
    Pick(Vec<InOcaml>),
    Both(Vec<InOcaml>),
    Protected(Vec<InOcaml>),
    NoCancel(Vec<InOcaml>),
    WithTimeout(isize, Vec<InOcaml>),
    CallRust(Kind, Vec<InRust>),
    ReadRust(RustItems),
    Job(Vec<InOcaml>),
    /// What never has to wait, until OCaml's timer has come.
    Fair(Source),
    Owned(isize),
    /// An exception of OCaml's comes through Rust, at once or later, with the backtrace that it had.
    Backtrace(isize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum Collection {
    Minor,
    Major,
    Compact,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum Source {
    Polls,
    Channel,
    RustStream,
    LwtStream,
}

/// What a reader does when it has read so many items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum Reader {
    ToTheEnd,
    Closes(isize),
    LetsGo(isize),
}

/// A stream of Rust's: its numbers, and what it does before each of them.
#[derive(Clone, Debug, FromOCaml, ToOCaml)]
pub struct RustItems {
    pub rust_items: isize,
    pub rust_window: isize,
    pub rust_before: Vec<InRust>,
    /// What it ends with.
    pub rust_end: Vec<InRust>,
    pub ocaml_reader: Reader,
    /// Each read is begun, cancelled and begun again.
    pub hesitates: bool,
}

/// A stream of OCaml's, as Rust reads it.
#[derive(Clone, Debug, FromOCaml, ToOCaml)]
pub struct LwtItems {
    pub lwt_items: isize,
    pub lwt_window: isize,
    pub lwt_before: Vec<InOcaml>,
    pub lwt_end: Vec<InOcaml>,
    pub rust_reader: Reader,
    /// There when Rust asks for the first.
    pub pushed: bool,
    /// The function that gives it is an interface's.
    pub by_interface: bool,
}
