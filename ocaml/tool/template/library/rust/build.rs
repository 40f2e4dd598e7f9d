fn main() {
    // Tests in `tests/` link OCaml's runtime, as the crate's own do. Nothing of it runs.
    println!("cargo::rustc-link-arg-tests=-locaml_lwt_interop_runtime");
}
