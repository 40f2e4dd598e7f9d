//! OCaml's half of the benchmark.

fn main() {
    ocaml_lwt_interop_build::Build::new("ocaml/main.exe.o")
        .root("../..")
        .watch("../src/message.rs")
        .watch("../../ocaml")
        .run();
}
