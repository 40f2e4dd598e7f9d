//! Compiles `src/caml/lock.c` with the headers of the OCaml that the program is built with.

fn main() {
    println!("cargo:rerun-if-changed=src/caml/lock.c");
    for variable in ["OCAMLOPT", "OCAML_WHERE_PATH", "OPAM_SWITCH_PREFIX"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    // To make the documentation, where there is no OCaml.
    if std::env::var_os("CARGO_FEATURE_WITHOUT_OCAMLOPT").is_some() {
        return;
    }
    cc::Build::new()
        .file("src/caml/lock.c")
        .include(headers())
        .compile("ocaml_lwt_interop");
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
        .unwrap_or_else(|error| panic!("{ocamlopt} -where: {error}"));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
