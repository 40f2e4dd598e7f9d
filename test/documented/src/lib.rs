//! The examples of the pages of `doc/` and of the crates' documentation, each in a module of its own: `build.rs` collects
//! them. `test_documented.ml` runs them.

// They are what a reader sees.
#![allow(missing_docs, dead_code)]

use ocaml_lwt_interop::OCamlList;

include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// The names of all examples.
#[ocaml_lwt_interop::func(sync)]
pub fn examples() -> OCamlList<String> {
    EXAMPLES.iter().map(|name| (*name).to_owned()).collect()
}

/// The public types that no example has.
#[ocaml_lwt_interop::func(sync)]
pub fn unshown() -> OCamlList<String> {
    UNSHOWN.iter().map(|name| (*name).to_owned()).collect()
}

/// The examples without a `#[func]` configure Tokio's runtime, which is too late now. Gives what they say.
#[ocaml_lwt_interop::func(sync)]
pub fn configured_too_late() -> OCamlList<String> {
    [
        before_the_first_call::before_the_first_call(),
        use_two_workers::use_two_workers(),
    ]
    .into_iter()
    .map(|ended| ended.expect_err("there is a runtime").to_string())
    .collect()
}

/// The examples of a program of Rust's ask for OCaml to be started, which runs. Gives what they are told.
#[ocaml_lwt_interop::func(sync)]
pub fn ocaml_is_the_host() -> OCamlList<String> {
    use futures_lite::future::block_on;
    let shared = std::panic::catch_unwind(|| block_on(ocaml_is_there::ocaml_is_there()));
    [
        block_on(program::program()).map_err(|error| error.to_string()),
        block_on(start_an_archive::start_an_archive())
            .map(drop)
            .map_err(|error| error.to_string()),
        shared.map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default()),
    ]
    .into_iter()
    .map(|ended| ended.expect_err("OCaml runs"))
    .collect()
}
