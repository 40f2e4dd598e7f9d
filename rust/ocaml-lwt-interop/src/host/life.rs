//! Where OCaml is in its life, in a program of Rust's.
//!
//! [`Stage::Initialising`] → [`Stage::Running`] → [`Stage::Ended`], or [`Stage::Failed`] in place of the last two. Only OCaml's threads
//! move it, but for a start that has got no thread.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::caml::startup;
use crate::func::OCamlFunc;
use crate::handles::Handle;
use crate::home::{Home, Runnable, Scope, lwt_home};
use crate::lock::Mutex;

/// Why OCaml did not start. It cannot be started again in this process.
///
/// `{:?}`, by which a `main` tells it, says what `{}` says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// No OCaml is linked into this program.
    NotLinked,
    /// `main` is OCaml's in this program.
    OCamlIsTheHost,
    /// It was started before, and runs.
    AlreadyStarted,
    /// It was started before, and has ended, or has failed.
    Over,
    /// An option cannot be what it is.
    Options(String),
    /// The bridge uses another Tokio runtime already.
    Runtime(String),
    /// The operating system refuses the thread.
    Thread(String),
    /// A module has raised an exception while it was initialised.
    Raised {
        /// As OCaml prints it.
        exception: String,
        /// As OCaml prints it; empty where `OCAMLRUNPARAM` does not have `b`.
        backtrace: String,
    },
    /// A module has called `exit`.
    Exited {
        /// With this.
        code: i32,
    },
    /// All modules are initialised, and none has provided anything, though Rust declares interfaces.
    ProvidesNothing,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::NotLinked => f.write_str(
                "no OCaml is linked into this program: have its build.rs call ocaml_lwt_interop_build, and main.rs or the test \
                 mention the crate's library",
            ),
            StartError::OCamlIsTheHost => f.write_str(
                "OCaml runs already in this process, whose main is OCaml's, or which has started OCaml by other means: have OCaml \
                 pass Rust what it is to call",
            ),
            StartError::AlreadyStarted => f.write_str(
                "OCaml was started before in this process, which has one OCaml: pass the Host on, or ask for it with host::shared()",
            ),
            StartError::Over => f.write_str(
                "OCaml was started before in this process, and has ended: its runtime cannot start again, so start it once",
            ),
            StartError::Options(why) => write!(f, "OCaml was not started: {why}"),
            StartError::Runtime(why) => write!(
                f,
                "OCaml was not started in this Tokio runtime, since the bridge has another one already: {why}"
            ),
            StartError::Thread(why) => write!(f, "no thread for OCaml: {why}"),
            StartError::Raised {
                exception,
                backtrace,
            } => {
                write!(f, "OCaml's modules were not initialised: {exception}")?;
                match backtrace.trim_end() {
                    "" => Ok(()),
                    backtrace => write!(f, "\n{backtrace}"),
                }
            }
            StartError::Exited { code } => {
                write!(f, "OCaml's modules were not initialised: one has called exit {code}")
            }
            StartError::ProvidesNothing => f.write_str(
                "OCaml's modules were initialised, and none has provided anything: call `provide` of the module that is made for an \
                 interface, in an OCaml module that is linked",
            ),
        }
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StartError {}

/// How OCaml has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// By [`Host::shutdown`](super::Host::shutdown), or by OCaml's `Rust_async.shutdown`.
    ShutDown,
    /// Its code has called `exit`: what becomes of the process is up to its host.
    Exited {
        /// With this.
        code: i32,
    },
    /// An exception has left Lwt's loop: OCaml's own program would have ended by it.
    Raised {
        /// As OCaml prints it.
        exception: String,
        /// As OCaml prints it.
        backtrace: String,
    },
    /// It has not ended within the limit: it computes, or a hook waits.
    StillRuns,
}

#[derive(Clone, Debug)]
enum Stage {
    Initialising,
    Running,
    Failed(StartError),
    Ended(Ended),
}

/// One for the process.
#[derive(Debug)]
pub(super) struct Life {
    stage: watch::Sender<Stage>,
    /// For who waits with a limit: tells of an end.
    over: (std::sync::Mutex<bool>, Condvar),
    /// Ends Lwt's loop.
    stop: Mutex<Option<OCamlFunc<(), ()>>>,
}

static LIFE: OnceLock<Life> = OnceLock::new();

impl Life {
    pub(super) fn current() -> Option<&'static Life> {
        LIFE.get()
    }

    /// `None`: somebody else has.
    pub(super) fn begin() -> Option<&'static Life> {
        let mut is_new = false;
        let life = LIFE.get_or_init(|| {
            is_new = true;
            Life {
                stage: watch::Sender::new(Stage::Initialising),
                over: (std::sync::Mutex::new(false), Condvar::new()),
                stop: Mutex::new(None),
            }
        });
        is_new.then_some(life)
    }

    pub(super) fn why_not_again(&self) -> StartError {
        match &*self.stage.borrow() {
            Stage::Initialising | Stage::Running => StartError::AlreadyStarted,
            Stage::Failed(_) | Stage::Ended(_) => StartError::Over,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(*self.stage.borrow(), Stage::Running)
    }

    fn has_ended(&self) -> bool {
        matches!(*self.stage.borrow(), Stage::Failed(_) | Stage::Ended(_))
    }

    /// Whether the modules are initialised.
    pub(super) fn has_begun_to_run(&self) -> bool {
        matches!(*self.stage.borrow(), Stage::Running | Stage::Ended(_))
    }

    pub(super) fn handle(&self) -> Handle {
        Handle::new(home())
    }

    /// Waits for the end of the initialisation.
    pub(super) async fn has_started(&self) -> Result<(), StartError> {
        let mut stage = self.stage.subscribe();
        let stage = stage.wait_for(|stage| !matches!(stage, Stage::Initialising));
        match &*stage.await.expect("a static sender") {
            Stage::Failed(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    pub(super) async fn ended(&self) -> Ended {
        let mut stage = self.stage.subscribe();
        let stage = stage.wait_for(|stage| matches!(stage, Stage::Failed(_) | Stage::Ended(_)));
        match &*stage.await.expect("a static sender") {
            Stage::Ended(ended) => ended.clone(),
            _ => unreachable!("who has a Host has started"),
        }
    }

    /// As [`Life::ended`], for so long at most. A thread waits: the runtime that this is awaited in may have no timers.
    pub(super) async fn ended_within(&'static self, limit: Duration) -> Ended {
        let (sender, receiver) = oneshot::channel::<()>();
        let wait = move || {
            self.wait_for_end(limit);
            drop(sender);
        };
        let waits = std::thread::Builder::new().name("ocaml-end".to_owned());
        if waits.spawn(wait).is_err() {
            return self.ended().await;
        }
        let _ = receiver.await;
        match &*self.stage.borrow() {
            Stage::Ended(ended) => ended.clone(),
            _ => Ended::StillRuns,
        }
    }

    fn wait_for_end(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut is_over = self.over.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !*is_over {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            is_over = self
                .over
                .1
                .wait_timeout(is_over, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Has Lwt's loop end, in its next turn.
    pub(super) fn stop(&self) {
        let Some(stop) = self.stop.lock().and_then(|mut stop| stop.take()) else {
            return;
        };
        let job = move |scope: &Scope| {
            // It may raise where a signal handler does; the loop has heard all the same.
            drop(stop.apply(scope, ()));
        };
        home().queue_anywhere(Runnable::Job(Box::new(job)));
    }

    /// Before anybody waits for more.
    pub(super) fn runs(&self, stop: OCamlFunc<(), ()>) {
        if let Some(mut place) = self.stop.lock() {
            *place = Some(stop);
        }
        self.stage.send_replace(Stage::Running);
    }

    pub(super) fn failed(&self, error: StartError) {
        self.over(Stage::Failed(error));
    }

    /// The first end is the one.
    pub(super) fn end(&self, ended: Ended) {
        self.over(match (&ended, self.why_it_failed(&ended)) {
            (_, Some(error)) => Stage::Failed(error),
            _ => Stage::Ended(ended),
        });
    }

    /// What an end is while OCaml is initialised.
    fn why_it_failed(&self, ended: &Ended) -> Option<StartError> {
        if !matches!(*self.stage.borrow(), Stage::Initialising) {
            return None;
        }
        Some(match ended.clone() {
            Ended::Exited { code } => StartError::Exited { code },
            Ended::Raised {
                exception,
                backtrace,
            } => StartError::Raised {
                exception,
                backtrace,
            },
            Ended::ShutDown | Ended::StillRuns => StartError::ProvidesNothing,
        })
    }

    fn over(&self, last: Stage) {
        self.stage.send_if_modified(|stage| {
            let is_first = matches!(stage, Stage::Initialising | Stage::Running);
            if is_first {
                *stage = last;
            }
            is_first
        });
        let mut is_over = self.over.0.lock().unwrap_or_else(PoisonError::into_inner);
        *is_over = true;
        drop(is_over);
        self.over.1.notify_all();
    }
}

/// Whether OCaml's modules were being initialised when nobody had called `host::start`.
static OCAML_IS_THE_HOST: AtomicBool = AtomicBool::new(false);

/// OCaml's modules are being initialised.
pub(crate) fn ocaml_begins() {
    if Life::current().is_none() {
        OCAML_IS_THE_HOST.store(true, Ordering::Relaxed);
    }
}

/// Whether OCaml can be started, as far as the program goes.
pub(super) fn can_start() -> Result<(), StartError> {
    if OCAML_IS_THE_HOST.load(Ordering::Relaxed) {
        return Err(StartError::OCamlIsTheHost);
    }
    match startup::can_start() {
        true => Ok(()),
        false => Err(StartError::NotLinked),
    }
}

fn home() -> &'static Home {
    lwt_home().expect("OCaml runs, so its executor has started")
}

/// Whether OCaml has ended, though some thread of its may not know yet.
pub(crate) fn has_ended() -> bool {
    Life::current().is_some_and(Life::has_ended)
}

/// OCaml's loop is about to run, and `stop` ends it. False: it is not to run, since nothing was provided.
pub(crate) fn runs(stop: OCamlFunc<(), ()>, declares_interfaces: bool) -> bool {
    let Some(life) = Life::current() else {
        return false;
    };
    if declares_interfaces && crate::interface::is_empty() {
        life.failed(StartError::ProvidesNothing);
        return false;
    }
    life.runs(stop);
    true
}
