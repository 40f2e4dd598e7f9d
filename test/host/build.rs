//! OCaml's half of these tests.

fn main() {
    ocaml_lwt_interop_build::Build::new("ocaml/main.exe.o")
        .root("../..")
        .watch("../../ocaml")
        .run();
}
