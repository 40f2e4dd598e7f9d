//! The programs that are run.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::environment::{self, command, target_folder};

/// Has dune build the target of the project in `root`; gives where it is. dune has a folder of its own for it, for each package and
/// profile: cargo builds several at the same time, and a dune that the user runs beside this would wait, or be waited for.
pub(crate) fn dune(root: &Path, target: &Path) -> Result<PathBuf, String> {
    let cargo_target = target_folder()?;
    let folder = out("dune")?;
    let profile = match env::var("PROFILE").as_deref() {
        Ok("release") => "release",
        _ => "dev",
    };
    let mut dune = command("dune");
    dune.args(["build", "--root"])
        .arg(root)
        .arg("--build-dir")
        .arg(&folder)
        .args(["--profile", profile])
        .arg(target)
        .env("CARGO_TARGET_DIR", &cargo_target)
        // A terminal's colours are cargo's to decide, which shows this only where it fails.
        .env("DUNE_CONFIG__DISPLAY", "quiet")
        .current_dir(root);
    let output = output(&mut dune)?;
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    if !output.status.success() {
        // OCaml's errors, as they are.
        let _ = std::io::stderr().write_all(&said);
        return Err(format!(
            "dune build {}: {}",
            target.display(),
            output.status
        ));
    }
    for line in String::from_utf8_lossy(&said)
        .lines()
        .filter(|line| !line.starts_with("Entering"))
    {
        println!("cargo:warning={line}");
    }
    Ok(folder.join("default").join(target))
}

/// What OCaml's runtime needs of C's libraries, and where it looks for others.
pub(crate) fn libraries_of_c() -> Result<Vec<String>, String> {
    let said = configured("native_c_libraries")?;
    Ok(said.split_whitespace().map(str::to_owned).collect())
}

/// What `ocamlopt -config` says.
pub(crate) fn configured(variable: &str) -> Result<String, String> {
    let ocamlopt = env::var("OCAMLOPT").unwrap_or_else(|_| "ocamlopt".to_owned());
    let output = output(command(&ocamlopt).args(["-config-var", variable]))?;
    if !output.status.success() {
        return Err(format!(
            "{ocamlopt} -config-var {variable}: {}",
            output.status
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Has the linker give a symbol a second name.
pub(crate) fn add_name(from: &Path, to: &Path, name: &str, other: &str) -> Result<(), String> {
    let cc = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let mut link = command(&cc);
    link.args(["-r", "-nostdlib", &format!("-Wl,--defsym={other}={name}")]);
    succeeds(link.arg(from).arg("-o").arg(to))
}

/// Has `objcopy` give these symbols other names. The definitions of those that are `weak` give way to others.
pub(crate) fn objcopy(
    from: &Path,
    to: &Path,
    names: &[(&str, &str)],
    weak: &[&str],
) -> Result<(), String> {
    let objcopy = env::var("OBJCOPY").unwrap_or_else(|_| "objcopy".to_owned());
    let mut copy = command(&objcopy);
    for (name, other) in names {
        copy.arg(format!("--redefine-sym={name}={other}"));
    }
    for name in weak {
        copy.arg(format!("--weaken-symbol={name}"));
    }
    succeeds(copy.arg(from).arg(to))
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let output = output(command)?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{}: {}\n{}",
        command.get_program().to_string_lossy(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    ))
}

fn output(command: &mut Command) -> Result<Output, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|error| {
        format!(
            "{program}: {error}. Install it{}",
            match program.as_str() {
                "dune" => ", with OCaml, or put the folder of opam's switch on your PATH: eval $(opam env)",
                _ => ", or say where it is",
            }
        )
    })
}

/// Where what is made for linking lies.
pub(crate) fn out(name: &str) -> Result<PathBuf, String> {
    Ok(environment::folder("OUT_DIR")?.join(name))
}
