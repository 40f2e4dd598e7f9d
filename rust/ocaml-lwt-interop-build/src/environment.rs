//! What cargo tells this program, and what the programs are not to hear of that are run here.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// Set where the command `rust-async` has cargo build the package's library.
pub(crate) const DECLARES: &str = "RUST_ASYNC_DECLARES";

/// The features that the package is built with, for the library that is described.
const FEATURES: &str = "RUST_ASYNC_FEATURES";

pub(crate) fn folder(variable: &str) -> Result<PathBuf, String> {
    env::var_os(variable)
        .map(PathBuf::from)
        .ok_or_else(|| format!("{variable} is not set: this is for cargo's build scripts"))
}

/// Cargo's target folder: `OUT_DIR` is `TARGET/PROFILE/build/NAME/out`, or `TARGET/TRIPLE/PROFILE/…`.
pub(crate) fn target_folder() -> Result<PathBuf, String> {
    let out = folder("OUT_DIR")?;
    let triple = env::var("TARGET").unwrap_or_default();
    let profile = out.ancestors().nth(4);
    let target = match profile {
        Some(above) if !triple.is_empty() && above.ends_with(&triple) => above.parent(),
        above => above,
    };
    target
        .map(PathBuf::from)
        .ok_or_else(|| format!("{} is not a folder that cargo makes", out.display()))
}

/// What a build script has of cargo, which another cargo below it would take for its own.
fn is_of_this_build(name: &str) -> bool {
    let of_users = [
        "HOME",
        "NET_",
        "HTTP_",
        "REGISTRIES_",
        "TERM_",
        "PROFILE_",
        "BUILD_",
        "TARGET_",
    ];
    match name.strip_prefix("CARGO") {
        Some("") => true,
        Some(rest) => !rest.strip_prefix('_').is_some_and(|rest| {
            of_users.iter().any(|kept| rest.starts_with(kept)) && rest != "TARGET_TMPDIR"
        }),
        None => [
            "RUSTC",
            "RUSTDOC",
            "RUSTC_LINKER",
            "TARGET",
            "HOST",
            "OUT_DIR",
            "OPT_LEVEL",
            "DEBUG",
            "PROFILE",
            "NUM_JOBS",
            "MAKEFLAGS",
            "MFLAGS",
            "INSIDE_DUNE",
            "DUNE_SOURCEROOT",
        ]
        .contains(&name),
    }
}

/// A program in a clean environment.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_this_build) {
            command.env_remove(&name);
        }
    }
    if let Ok(features) = env::var("CARGO_CFG_FEATURE") {
        command.env(FEATURES, features);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::is_of_this_build;

    #[test]
    fn what_the_user_has_set_stays() {
        for name in [
            "PATH",
            "CARGO_HOME",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_NET_OFFLINE",
            "RUSTFLAGS",
            "OPAM_SWITCH_PREFIX",
        ] {
            assert!(!is_of_this_build(name), "{name}");
        }
        for name in [
            "CARGO",
            "CARGO_MANIFEST_DIR",
            "CARGO_PKG_NAME",
            "CARGO_MAKEFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "OUT_DIR",
            "RUSTC",
        ] {
            assert!(is_of_this_build(name), "{name}");
        }
    }
}
