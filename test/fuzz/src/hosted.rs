//! Programs whose `main` is Rust's: what such a case is, and what its two halves say to one another.

use std::sync::Mutex;

use ocaml_lwt_interop::{Error, FromOCaml, LwtStream, SendRustStream, ToOCaml, func, interface};
use tokio::sync::oneshot;

use crate::plan::{InOcaml, LwtItems, RustItems, Value};
use crate::run::{Ended, Env};

/// Who calls OCaml.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum Caller {
    FromMain,
    FromATask,
    /// A plain thread, in a `block_on` that is none of Tokio's.
    FromAThread,
    /// A plain thread, in the runtime's `block_on`.
    FromBlockOn,
    FromTheBlockingPool,
    /// A task on OCaml's thread.
    FromHome,
}

/// How long the caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum Patience {
    Waits,
    /// Until Tokio's timer comes.
    WaitsFor(isize),
    /// It drops the call after so many yields.
    DropsAfter(isize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub struct HostCall {
    pub caller: Caller,
    pub patience: Patience,
}

/// What comes of `host::start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum HostStart {
    Starts,
    /// Two tasks at the same time.
    TwoStart,
    /// Whoever starts it does not wait for it.
    StartIsDropped,
    ModuleRaises,
    ModuleExits,
    ProvidesNothing,
}

/// Where OCaml's code does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum EndPlace {
    InAPromise,
    InACallback,
    /// In a function that Rust calls, which OCaml has called.
    BelowRust,
    OnAnotherThread,
    /// In a function that Rust calls, where it may block.
    WhereItBlocks,
}

/// How OCaml ends, or the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub enum HostEnd {
    /// When the programs have ended; then the host shuts OCaml down.
    AllEnd,
    /// The rest: while they run.
    ShutsDown(Caller),
    /// OCaml computes on, and the host does not wait for it.
    ShutsDownInAHurry,
    OcamlShutsDown,
    OcamlExits(EndPlace),
    /// An exception leaves Lwt's loop.
    LeavesTheLoop,
    /// Tokio's runtime is dropped before OCaml ends.
    RuntimeGoes,
    MainReturns,
    /// `std::process::exit`.
    MainExits,
    MainPanics,
}

#[derive(Clone, Debug, PartialEq, Eq, FromOCaml, ToOCaml)]
pub struct Hosted {
    /// Tokio's runtime has one.
    pub one_thread: bool,
    pub begins: HostStart,
    /// The programs in turn.
    pub calls: Vec<HostCall>,
    pub ends: HostEnd,
    /// Turns of the host's before that.
    pub after: isize,
}

/// What the model says, and what is seen.
#[derive(Clone, Debug, PartialEq, FromOCaml, ToOCaml)]
pub enum Seen {
    SeenValue(Value),
    SeenException(isize),
    SeenError(isize),
    SeenDeclared(isize),
    SeenPanic(isize),
    SeenCanceled,
    SeenBroken,
    SeenTimeout,
    /// OCaml has ended, or Tokio's runtime.
    SeenOver,
}

#[derive(Clone, Debug, FromOCaml)]
pub struct HostCase {
    pub runs: Vec<InOcaml>,
    /// How each of them may end.
    pub allowed: Vec<Vec<Seen>>,
    /// Calls behind the end give errors, from the first.
    pub over_at_once: bool,
    pub hosted: Hosted,
}

/// What performs OCaml's nodes, as an interface.
#[interface]
pub trait Performs {
    async fn perform(&self, node: InOcaml) -> Result<Value, Error>;
    fn perform_now(&self, node: InOcaml) -> Result<Value, Error>;
    async fn lwt_items(&self, items: LwtItems) -> Result<LwtStream<isize>, Error>;
    async fn read_rust(
        &self,
        items: RustItems,
        stream: SendRustStream<isize>,
    ) -> Result<Value, Error>;
}

/// What the host asks of OCaml's half of the fuzzer.
#[interface]
pub trait Cases {
    fn env(&self) -> Env;
    /// The next case; none: that was all.
    fn next(&self) -> Option<HostCase>;
    /// Looks at each [`ending`], and at what is left; tells [`checked`].
    fn check(&self);
    /// What was met in OCaml: row, column, how often.
    fn met_in_ocaml(&self) -> Vec<(String, String, isize)>;
    /// Keeps it. How many there are is told when OCaml ends.
    async fn write(&self, number: isize) -> Result<(), Error>;
    /// OCaml's part of an end. It gives nothing.
    async fn end_ocaml(&self, end: HostEnd) -> Result<(), Error>;
}

/// How a call of the host's has ended.
#[derive(Debug)]
pub enum HostEnding {
    Ended(Ended),
    Panicked(String),
    /// With the runtime.
    Gone,
}

static ENDINGS: Mutex<Vec<HostEnding>> = Mutex::new(Vec::new());

/// How a program has ended: OCaml finds the exception itself.
#[func(sync)]
pub fn ending(number: isize) -> Ended {
    let ended = std::mem::replace(
        &mut ENDINGS.lock().unwrap()[number as usize],
        HostEnding::Gone,
    );
    match ended {
        HostEnding::Ended(ended) => ended,
        HostEnding::Panicked(message) => panic!("{message}"),
        HostEnding::Gone => Err(Error::broken_promise()),
    }
}

/// Who waits for a check holds nothing of OCaml's meanwhile.
static CHECKED: Mutex<Option<oneshot::Sender<Vec<String>>>> = Mutex::new(None);

/// Has OCaml check; gives what does not hold.
pub async fn check(cases: &dyn Cases, endings: Vec<HostEnding>) -> Vec<String> {
    *ENDINGS.lock().unwrap() = endings;
    let (sender, receiver) = oneshot::channel();
    *CHECKED.lock().unwrap() = Some(sender);
    cases.check();
    receiver.await.expect("OCaml checks")
}

#[func(sync)]
pub fn checked(problems: Vec<String>) {
    let sender = CHECKED.lock().unwrap().take();
    let _ = sender.expect("a check is under way").send(problems);
}

/// The number behind a text.
fn number(text: &str, before: &str) -> Option<isize> {
    let (_, behind) = text.rsplit_once(before)?;
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    behind[..digits].parse().ok()
}

impl Seen {
    /// What is declared in Rust and has not crossed says its name, and no number.
    const DECLARED: Seen = Seen::SeenDeclared(-1);

    /// Whether this is among them.
    pub fn is_one_of(&self, allowed: &[Seen]) -> bool {
        let is_declared = |seen: &Seen| matches!(seen, Seen::SeenDeclared(_));
        allowed.contains(self) || *self == Seen::DECLARED && allowed.iter().any(is_declared)
    }
}

/// As Rust sees it, which has no OCaml to ask any more.
pub fn seen(ending: &HostEnding) -> Result<Seen, String> {
    let error = match ending {
        HostEnding::Ended(Ok(value)) => return Ok(Seen::SeenValue(value.clone())),
        HostEnding::Ended(Err(error)) => error,
        HostEnding::Gone => return Ok(Seen::SeenOver),
        HostEnding::Panicked(message) => {
            let planned = number(message, "planned panic ").map(Seen::SeenPanic);
            return planned.ok_or_else(|| message.clone());
        }
    };
    let text = error.to_string();
    if error.is_broken_promise() {
        return Ok(Seen::SeenBroken);
    }
    if error.is_canceled() {
        return Ok(Seen::SeenCanceled);
    }
    if error.is_exception("Lwt_unix.Timeout") {
        return Ok(Seen::SeenTimeout);
    }
    if text.contains("::run::Declared") {
        return Ok(Seen::DECLARED);
    }
    if is_over(error) {
        return Ok(Seen::SeenOver);
    }
    [
        ("Planned(", Seen::SeenException as fn(isize) -> Seen),
        ("planned error ", Seen::SeenError),
        ("planned panic ", Seen::SeenPanic),
        ("Declared(", Seen::SeenDeclared),
    ]
    .into_iter()
    .find_map(|(before, seen)| number(&text, before).map(seen))
    .ok_or(text)
}

/// What a call gives when OCaml has ended.
pub fn is_over(error: &Error) -> bool {
    let text = error.to_string();
    let refusals = ["was shut down", "after Rust_async.shutdown"];
    refusals.iter().any(|refusal| text.contains(refusal))
}
