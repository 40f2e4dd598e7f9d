//! What becomes of OCaml's object file before it is linked.

use std::path::{Path, PathBuf};

use crate::commands::{add_name, configured, objcopy, out};

/// What OCaml's runtime asks of the C library, and the bridge answers (`host/process.rs`): the end of the process is Rust's, and its
/// parameters come with the host's options.
const RENAMED: [(&str, &str); 2] = [
    ("exit", "ocaml_lwt_interop_host_exit"),
    ("secure_getenv", "ocaml_lwt_interop_host_getenv"),
];

/// `Thread.exit` of OCaml 4.13, which the bridge has one of its own for (`caml/startup.c`).
const THREAD_EXIT: (&str, &str) = ("caml_thread_exit", "ocaml_lwt_interop_host_thread_exit");

/// The runtime's own, for the bridge's.
const OF_RUNTIME: &str = "ocaml_lwt_interop_host_thread_exit_of_runtime";

/// A copy of the object, with other names for what the process belongs to. Nobody else's calls of these functions are changed.
pub(crate) fn rename_functions(object: &Path) -> Result<PathBuf, String> {
    let copy = new("ocaml.o")?;
    let mut names = RENAMED.to_vec();
    // From 4.14 on it is an exception.
    if configured("version")?.starts_with("4.13.") {
        let named = new("thread_exit.o")?;
        add_name(object, &named, THREAD_EXIT.0, OF_RUNTIME)?;
        names.push(THREAD_EXIT);
        objcopy(&named, &copy, &names, &[THREAD_EXIT.0, THREAD_EXIT.1])?;
    } else {
        objcopy(object, &copy, &names, &[])?;
    }
    Ok(copy)
}

/// dune's files cannot be written to, and neither can their copies: so what is left of another build goes first.
fn new(name: &str) -> Result<PathBuf, String> {
    let file = out(name)?;
    if file.exists() {
        std::fs::remove_file(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(file)
}
