//! Says what to do where there is no OCaml. It is this crate that says it, since it is built first: the build scripts of
//! `ocaml-sys` and `ocaml-boxroot-sys`, which fail there with less to go by, come before that of the crate that needs it.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // Not PATH, which is another one in dune's rules: cargo would build everything again. A failure is not remembered.
    for variable in ["OCAMLOPT", "OCAML_WHERE_PATH", "OPAM_SWITCH_PREFIX"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let is_set = |variable| std::env::var_os(variable).is_some();
    if is_set("CARGO_FEATURE_WITHOUT_OCAMLOPT") || is_set("OCAML_WHERE_PATH") {
        return ExitCode::SUCCESS;
    }
    let ocamlopt = std::env::var("OCAMLOPT").unwrap_or_else(|_| "ocamlopt".to_owned());
    match Command::new(&ocamlopt).arg("-where").output() {
        Ok(output) if output.status.success() => ExitCode::SUCCESS,
        answer => {
            let why = answer.map_or_else(
                |error| error.to_string(),
                |output| output.status.to_string(),
            );
            eprintln!(
                "There is no OCaml here ({ocamlopt} -where: {why}). Install it, or say in OCAMLOPT where its compiler is. For the \
                 documentation of ocaml-lwt-interop alone, none is needed: cargo doc --no-default-features --features without-ocamlopt"
            );
            ExitCode::FAILURE
        }
    }
}
