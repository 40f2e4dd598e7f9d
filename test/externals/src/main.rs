//! `interop-externals [ARCHIVE OCAML-FOLDER RUST-FOLDER…]…`, groups separated by `--`: compares them, and prints a line
//! for each group or the problems.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use interop_externals::{ocaml, problems, rust};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut failed = false;
    for group in arguments.split(|argument| argument == "--") {
        match check(group) {
            Ok(line) => println!("{line}"),
            Err(problems) => {
                eprintln!("{problems}");
                failed = true;
            }
        }
    }
    ExitCode::from(u8::from(failed))
}

/// One archive, and the folders that declare and define what it exports.
fn check(group: &[String]) -> Result<String, String> {
    let [archive, folders @ ..] = group else {
        return Err("no archive is given".to_owned());
    };
    let crate_name = Path::new(archive)
        .file_name()
        .and_then(|file| file.to_str()?.strip_prefix("lib")?.strip_suffix("_stubs.a"))
        .ok_or_else(|| format!("{archive} is not libCRATE_stubs.a"))?;
    let mut exported = symbols(archive)?;
    let (mut externals, mut functions) = (Vec::new(), Vec::new());
    for file in folders.iter().flat_map(|folder| files(Path::new(folder))) {
        let name = file.display().to_string();
        let source = || std::fs::read_to_string(&file).map_err(|error| format!("{name}: {error}"));
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("ml") => externals.extend(ocaml::externals(&name, &source()?)),
            Some("rs") => functions.extend(rust::functions(crate_name, &name, &source()?)?),
            // Stubs in C are linked beside the archive; their names are enough here.
            Some("c") => exported.extend(words(&source()?)),
            _ => {}
        }
    }
    if externals.is_empty() || functions.is_empty() {
        return Err(format!("{folders:?}: nothing to compare"));
    }
    let problems = problems(&externals, &functions, &exported);
    if problems.is_empty() {
        let (e, f) = (externals.len(), functions.len());
        Ok(format!("{archive}: {e} externals, {f} functions agree"))
    } else {
        Err(problems.join("\n"))
    }
}

/// What an archive defines for others.
fn symbols(archive: &str) -> Result<BTreeSet<String>, String> {
    let nm = Command::new("nm")
        .args(["--extern-only", "--defined-only", "--format=posix", archive])
        .output()
        .map_err(|error| format!("nm: {error}"))?;
    if nm.stdout.is_empty() {
        return Err(String::from_utf8_lossy(&nm.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&nm.stdout);
    let first = |line: &str| line.split(' ').next().map(str::to_owned);
    Ok(text.lines().filter_map(first).collect())
}

fn words(source: &str) -> Vec<String> {
    let separator = |c: char| !(c.is_alphanumeric() || c == '_');
    source.split(separator).map(str::to_owned).collect()
}

/// The files of a folder and of those in it, but for other packages and what was built.
fn files(folder: &Path) -> Vec<PathBuf> {
    if folder.is_file() {
        return vec![folder.to_owned()];
    }
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    let skipped = |path: &PathBuf| {
        path.join("Cargo.toml").exists() || path.ends_with("_build") || path.ends_with("target")
    };
    entries.retain(|path| !skipped(path));
    entries.iter().flat_map(|path| files(path)).collect()
}
