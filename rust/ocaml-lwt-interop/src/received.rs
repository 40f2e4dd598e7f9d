//! What a value that comes from OCaml needs: its conversion, its domain, and what Lwt's keys are bound to there.

use std::panic::AssertUnwindSafe;

use crate::caml::lock::{Access, demand};
use crate::conversion::{FromOCaml, read};
use crate::home::{AtHome, Home, Scope};
use crate::panic::{Panic, catch_quietly};
use crate::storage::Storage;

/// Converts an OCaml value. ocaml-rs refuses by panicking.
pub(crate) fn convert<T: FromOCaml>(value: ocaml::Value) -> Result<T, Panic> {
    catch_quietly(AssertUnwindSafe(|| read::convert(value)))
}

/// Runs `f` for a value that arrives from OCaml, with the domain executor.
///
/// # Panics
/// On a thread that has none, or may not touch OCaml now; ocaml-rs's conversions have no other way to refuse.
pub(crate) fn at_home<R>(what: &str, f: impl FnOnce(Access<'_>, &'static Home) -> R) -> R {
    demand(what, |access| match AtHome::here() {
        Some(at) => f(access, at.home()),
        None => panic!(
            "{what} on a thread that has no executor, neither Lwt's nor that of a worker domain"
        ),
    })
}

/// What is bound where a value arrives from OCaml, outside of our stubs too.
pub(crate) fn storage_of_conversion(home: &'static Home) -> Storage {
    Scope::with_current(home, Storage::bound).unwrap_or_default()
}
