//! OCaml's half of the fuzzer's programs.

fn main() {
    ocaml_lwt_interop_build::Build::new("ocaml/main.exe.o")
        .root("../../..")
        .watch("..")
        .watch("../../../ocaml")
        .run();
}
