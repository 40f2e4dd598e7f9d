//! For the build script of a Rust program with OCaml inside. It has dune build the OCaml half, and links it into the package's
//! programs, tests, benchmarks and examples.
//!
//! In `build.rs`, `main` has one line:
//!
//! ```no_run
//! ocaml_lwt_interop_build::dune("ocaml/main.exe.o");
//! ```
//!
//! `ocaml/dune` has an executable `main` with `(modes object)`: OCaml's modules, its runtime, and what they need of C's, in one file.
//! It also has the rule that makes the declarations: `(run rust-async build my_crate --host)`. That rule has cargo build the
//! package's library, in a folder of its own, so the interfaces and the types that cross stand in the library, `src/lib.rs`.
//!
//! 1. Cargo builds the package, and runs this.
//! 2. dune runs the rule, and cargo builds the library for it. This is run there, too, and does nothing (`RUST_ASYNC_DECLARES`).
//! 3. The command `rust-async` writes the declarations; dune builds OCaml's half against them.
//! 4. The object is linked.
//!
//! What dune prints of errors is printed as it is. A change in OCaml's folder, in `src`, or in a crate that the library is built of
//! has this run again.
//!
//! A program, test or example of the package has to mention its library, or Rust's half is not linked: `use my_crate as _;`.

mod commands;
mod environment;
mod object;
mod sources;

use std::env;
use std::path::{Path, PathBuf};

/// Has dune build that target, from the package's folder, and links it: see the crate's documentation.
///
/// Ends the process where that fails, which cargo shows.
pub fn dune(target: impl AsRef<Path>) {
    Build::new(target).run();
}

/// As [`dune()`], with what is otherwise than usual.
///
/// ```no_run
/// // The package is a part of a dune project that begins higher up.
/// ocaml_lwt_interop_build::Build::new("ocaml/main.exe.o").root("../..").run();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is built before `run`"]
pub struct Build {
    target: PathBuf,
    root: PathBuf,
    watched: Vec<PathBuf>,
}

impl Build {
    /// The target, from the package's folder: `ocaml/main.exe.o`.
    pub fn new(target: impl AsRef<Path>) -> Build {
        Build {
            target: target.as_ref().to_owned(),
            root: PathBuf::from("."),
            watched: Vec::new(),
        }
    }

    /// Where dune's project begins, from the package's folder: without this, in that folder.
    pub fn root(mut self, folder: impl AsRef<Path>) -> Build {
        self.root = folder.as_ref().to_owned();
        self
    }

    /// Another file or folder whose changes have OCaml's half built again, beside the folder of the target and `src`.
    pub fn watch(mut self, path: impl AsRef<Path>) -> Build {
        self.watched.push(path.as_ref().to_owned());
        self
    }

    /// Builds and links. Ends the process where that fails.
    pub fn run(self) {
        println!("cargo:rerun-if-env-changed={}", environment::DECLARES);
        if env::var_os(environment::DECLARES).is_some() {
            return;
        }
        if let Err(why) = self.build() {
            eprintln!("{why}");
            std::process::exit(1);
        }
    }

    fn build(&self) -> Result<(), String> {
        let package = environment::folder("CARGO_MANIFEST_DIR")?;
        let root = package.join(&self.root);
        let root = root
            .canonicalize()
            .map_err(|error| format!("{}: {error}", root.display()))?;
        self.watch_all(&package);
        let built = commands::dune(&root, &self.inside(&package, &root)?)?;
        for file in sources::of_declarations(&package)? {
            println!("cargo:rerun-if-changed={}", file.display());
        }
        let linked = object::rename_functions(&built)?;
        println!("cargo:rustc-link-arg={}", linked.display());
        for library in commands::libraries_of_c()? {
            println!("cargo:rustc-link-arg={library}");
        }
        // For the macros: OCaml's runtime is there in unit tests, too.
        println!("cargo:rustc-env=OCAML_LWT_INTEROP_HOST=1");
        Ok(())
    }

    fn watch_all(&self, package: &Path) {
        let own = [
            PathBuf::from("src"),
            PathBuf::from("Cargo.toml"),
            PathBuf::from("build.rs"),
        ];
        let ocaml = self.target.parent().map(Path::to_owned);
        for path in own.into_iter().chain(ocaml).chain(self.watched.clone()) {
            if package.join(&path).exists() {
                println!("cargo:rerun-if-changed={}", path.display());
            }
        }
        for variable in [
            "OCAMLOPT",
            "OCAMLFIND_TOOLCHAIN",
            "OPAM_SWITCH_PREFIX",
            "PATH",
        ] {
            println!("cargo:rerun-if-env-changed={variable}");
        }
    }

    /// The target, from dune's root.
    fn inside(&self, package: &Path, root: &Path) -> Result<PathBuf, String> {
        let package = package
            .canonicalize()
            .map_err(|error| format!("{}: {error}", package.display()))?;
        match package.strip_prefix(root) {
            Ok(package) => Ok(package.join(&self.target)),
            Err(_) => Err(format!(
                "the package's folder, {}, is not in {}, where its dune project is said to begin",
                package.display(),
                root.display()
            )),
        }
    }
}
