//! The laws, and what they have in common.

mod calls;
mod endings;
mod ends;
mod runtimes;
mod starts;
mod surroundings;

use std::future::Future;

use ocaml_lwt_interop::host::{self, Host, Options};

/// A law.
pub struct Law {
    pub name: &'static str,
    pub run: fn(),
    /// The exit code.
    pub code: i32,
    /// All that is printed, if that matters.
    pub stdout: Option<&'static str>,
    /// What is told among other things.
    pub stderr: &'static [&'static str],
}

/// `law!(name)`: the function of that name, which ends well.
macro_rules! law {
    ($name:ident $(, $field:ident: $value:expr)*) => {
        #[allow(clippy::needless_update)]
        $crate::laws::Law {
            name: stringify!($name),
            run: $name,
            $($field: $value,)*
            ..$crate::laws::Law { name: "", run: || (), code: 0, stdout: None, stderr: &[] }
        }
    };
}
use law;

pub fn all() -> Vec<Law> {
    [
        calls::laws(),
        starts::laws(),
        ends::laws(),
        endings::laws(),
        runtimes::laws(),
        surroundings::laws(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// On Tokio's runtime of several threads.
fn tokio<F: Future<Output = ()>>(body: F) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(body);
}

/// As a program's `main` does it, with OCaml.
fn with_ocaml<F: Future<Output = ()>>(body: impl FnOnce(Host) -> F) {
    tokio(async {
        let ocaml = host::start().await.expect("OCaml starts");
        body(ocaml).await;
        ocaml.shutdown().await;
    });
}

fn options(argument: &str) -> Options {
    Options::new().argv(["host", argument])
}
