//! Compiles `src/caml/lock.c` and `startup.c` with the headers of the OCaml that the program is built with, and tells the crate whether that is
//! OCaml 5: `cfg(ocaml_5)`. Tells it, too, whether it can stand before functions of the C library: `cfg(before_libc)`. Puts OCaml's
//! runtime where the tests of other crates find it.

fn main() {
    let sources = ["src/caml/lock.c", "src/caml/startup.c"];
    for source in sources {
        println!("cargo:rerun-if-changed={source}");
    }
    println!("cargo:rustc-check-cfg=cfg(ocaml_5, before_libc)");
    if can_stand_before_libc() {
        println!("cargo:rustc-cfg=before_libc");
    }
    for variable in ["OCAMLOPT", "OCAML_WHERE_PATH", "OPAM_SWITCH_PREFIX"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    // To make the documentation, where there is no OCaml.
    if std::env::var_os("CARGO_FEATURE_WITHOUT_OCAMLOPT").is_some() {
        return;
    }
    let headers = headers();
    println!("cargo:rerun-if-changed={headers}/caml/version.h");
    if is_ocaml_5(&headers) {
        println!("cargo:rustc-cfg=ocaml_5");
    }
    link_runtime_into_tests(&headers);
    cc::Build::new()
        .files(sources)
        .include(headers)
        .compile("ocaml_lwt_interop");
}

/// Where `src/runtime/definitions.rs` knows how: with glibc, linked dynamically, on these processors.
fn can_stand_before_libc() -> bool {
    let of_target = |what| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let is_static = of_target("FEATURE").split(',').any(|it| it == "crt-static");
    let arch = of_target("ARCH");
    let is_known = ["x86_64", "aarch64", "riscv64"].contains(&&*arch);
    of_target("ENV") == "gnu" && !is_static && is_known
}

/// As `ocaml-sys` and `ocaml-boxroot-sys` find them.
fn headers() -> String {
    if let Ok(path) = std::env::var("OCAML_WHERE_PATH") {
        return path;
    }
    let ocamlopt = std::env::var("OCAMLOPT").unwrap_or_else(|_| "ocamlopt".to_owned());
    let output = std::process::Command::new(&ocamlopt)
        .arg("-where")
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "{ocamlopt} -where: {error}. Install OCaml, or say in OCAMLOPT where its compiler is. For the documentation alone: \
                 --no-default-features --features without-ocamlopt"
            )
        });
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Copies OCaml's bytecode runtime, for `__link_runtime_into_tests`: cargo tells every crate that depends on this one to look for
/// libraries in the folder that this is given, and OCaml's own folder has more than that.
fn link_runtime_into_tests(headers: &str) {
    let folder = std::env::var("OUT_DIR").expect("cargo gives a folder to write to");
    let (from, to) = (
        format!("{headers}/libcamlrun.a"),
        format!("{folder}/libocaml_lwt_interop_runtime.a"),
    );
    std::fs::copy(&from, &to).unwrap_or_else(|error| panic!("{from}: {error}"));
    println!("cargo:rustc-link-search=native={folder}");
}

/// `OCAML_VERSION_MAJOR` of `caml/version.h`.
fn is_ocaml_5(headers: &str) -> bool {
    let path = format!("{headers}/caml/version.h");
    let version = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let major = version
        .lines()
        .find_map(|line| line.strip_prefix("#define OCAML_VERSION_MAJOR"))
        .unwrap_or_else(|| panic!("{path} does not say which version this is"));
    major.trim() != "4"
}
