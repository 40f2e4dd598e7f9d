//! Has dune build the protocol, and links it.

fn main() {
    // In a project of its own: ocaml_lwt_interop_build::dune("ocaml/main.exe.o").
    ocaml_lwt_interop_build::Build::new("ocaml/main.exe.o")
        .root("../..")
        .watch("../../ocaml")
        .run();
}
