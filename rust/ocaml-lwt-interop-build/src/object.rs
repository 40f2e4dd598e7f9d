//! What becomes of OCaml's object file before it is linked.

use std::path::{Path, PathBuf};

use crate::commands::{objcopy, out};

/// What OCaml's runtime asks of the C library, and the bridge answers (`host/process.rs`): the end of the process is Rust's, and its
/// parameters come with the host's options.
const RENAMED: [(&str, &str); 2] = [
    ("exit", "ocaml_lwt_interop_host_exit"),
    ("secure_getenv", "ocaml_lwt_interop_host_getenv"),
];

/// A copy of the object, with other names for what the process belongs to. Nobody else's calls of these functions are changed.
pub(crate) fn rename_functions(object: &Path) -> Result<PathBuf, String> {
    let copy = out("ocaml.o")?;
    // dune's files cannot be written to, and neither can their copies.
    if copy.exists() {
        std::fs::remove_file(&copy).map_err(|error| format!("{}: {error}", copy.display()))?;
    }
    objcopy(object, &copy, &RENAMED)?;
    Ok(copy)
}
