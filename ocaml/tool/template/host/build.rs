fn main() {
    ocaml_lwt_interop_build::dune("ocaml/main.exe.o");
}
