//! [`Options`]: how OCaml is started.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;

use super::life::{self, Life, StartError};
use super::running::Host;
use super::thread;
use crate::runtime;

/// Starts OCaml as [`Options::new`] says.
///
/// # Errors
/// See [`StartError`]; the process goes on.
pub async fn start() -> Result<Host, StartError> {
    Options::new().start().await
}

/// OCaml, started by the first who asks, for many who do not know of one another, such as the tests of one process. Tokio's
/// runtime is one of the bridge's own, since theirs come and go.
///
/// ```
/// use ocaml_lwt_interop::host;
///
/// // #[tokio::test]
/// pub async fn ocaml_is_there() {
///     let ocaml = host::shared().await.unwrap();
///     assert!(ocaml.is_running());
/// }
/// ```
///
/// # Errors
/// As [`start`], for everybody.
pub async fn shared() -> Result<Host, StartError> {
    if Life::current().is_none() {
        life::can_start()?;
    }
    if let Some(starting) = Options::new().begin_once() {
        return starting.start().await;
    }
    let life = Life::current().expect("somebody has begun");
    life.has_started().await?;
    Ok(Host { life })
}

/// How OCaml is started.
///
/// ```
/// use ocaml_lwt_interop::host::{Host, Options, StartError};
///
/// pub async fn start_an_archive() -> Result<Host, StartError> {
///     Options::new().argv(["node", "--archive"]).ocamlrunparam("b,s=1M").start().await
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is started before `start`"]
pub struct Options {
    argv: Option<Vec<OsString>>,
    stack_size: usize,
    ocamlrunparam: Option<OsString>,
}

impl Default for Options {
    fn default() -> Self {
        Options::new()
    }
}

impl Options {
    /// The program's own arguments, a stack of 8 MiB, and what the environment says in `OCAMLRUNPARAM`.
    pub fn new() -> Options {
        Options {
            argv: None,
            stack_size: 8 << 20,
            ocamlrunparam: None,
        }
    }

    /// What OCaml has in `Sys.argv`, the name of the program first.
    pub fn argv<S: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = S>) -> Options {
        self.argv = Some(arguments.into_iter().map(Into::into).collect());
        self
    }

    /// How many bytes of stack OCaml's thread has: OCaml 4's functions run on it, and so do the Rust functions that OCaml calls.
    pub fn stack_size(mut self, bytes: usize) -> Options {
        self.stack_size = bytes;
        self
    }

    /// What OCaml's runtime takes for `OCAMLRUNPARAM`, in place of what the environment says. Where neither says anything, it is
    /// `b`: exceptions have backtraces.
    pub fn ocamlrunparam(mut self, parameters: impl Into<OsString>) -> Options {
        self.ocamlrunparam = Some(parameters.into());
        self
    }

    /// Starts OCaml: its modules are initialised, and Lwt's loop runs, when this is ready. Tokio's runtime is the one that this is
    /// awaited in. A future that is dropped does not stop what it has begun.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(self) -> Result<Host, StartError> {
        life::can_start()?;
        if let Some(life) = Life::current() {
            return Err(life.why_not_again());
        }
        if let Ok(handle) = tokio::runtime::Handle::try_current() {
            let is_ours = || runtime::get().is_ok_and(|ours| ours.id() == handle.id());
            if let Err(error) = runtime::set_tokio_rt(handle.clone()) {
                if !is_ours() {
                    return Err(StartError::Runtime(error.to_string()));
                }
            }
        }
        match self.begin_once() {
            Some(starting) => starting.start().await,
            None => Err(Life::current().map_or(StartError::AlreadyStarted, Life::why_not_again)),
        }
    }

    /// For who is the first.
    pub(super) fn begin_once(self) -> Option<Starting> {
        Life::begin().map(|life| Starting {
            life,
            options: self,
        })
    }

    fn arguments(&self) -> Result<Vec<CString>, StartError> {
        let arguments = self.argv.clone();
        let arguments = arguments.unwrap_or_else(|| std::env::args_os().collect());
        arguments
            .into_iter()
            .map(|argument| CString::new(argument.into_vec()))
            .collect::<Result<_, _>>()
            .map_err(|_| StartError::Options("an argument has a zero byte".to_owned()))
    }

    fn parameters(&self) -> Result<CString, StartError> {
        let said = self.ocamlrunparam.clone();
        let of_environment = || {
            ["OCAMLRUNPARAM", "CAMLRUNPARAM"]
                .into_iter()
                .find_map(std::env::var_os)
        };
        let parameters = said.or_else(of_environment).unwrap_or_else(|| "b".into());
        CString::new(parameters.into_vec())
            .map_err(|_| StartError::Options("OCAMLRUNPARAM has a zero byte".to_owned()))
    }
}

/// OCaml is to be started, by who has this.
pub(super) struct Starting {
    life: &'static Life,
    options: Options,
}

impl Starting {
    pub(super) async fn start(self) -> Result<Host, StartError> {
        let Starting { life, options } = self;
        if let Err(error) = spawn(life, &options) {
            life.failed(error);
        }
        life.has_started().await?;
        Ok(Host { life })
    }
}

fn spawn(life: &'static Life, options: &Options) -> Result<(), StartError> {
    life::can_start()?;
    let (arguments, parameters) = (options.arguments()?, options.parameters()?);
    std::thread::Builder::new()
        .name("ocaml".to_owned())
        .stack_size(options.stack_size)
        .spawn(move || thread::run(life, arguments, parameters))
        .map_err(|error| StartError::Thread(error.to_string()))?;
    Ok(())
}
