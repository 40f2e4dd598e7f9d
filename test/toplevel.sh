#!/usr/bin/env bash
# Bytecode as a user links it, with what is installed: the toplevel that loads the cdylib, a toplevel of one's own, and
# programs that load the cdylib or contain the static library.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

dune build ./rust-async.install ./test/libinterop_tests_stubs.a ./test/dllinterop_tests_stubs.so
export OCAMLPATH=$PWD/_build/install/default/lib${OCAMLPATH:+:$OCAMLPATH}
stubs=$PWD/_build/default/test
export CAML_LD_LIBRARY_PATH=$stubs
sources=$PWD/test/toplevel

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cp "$sources"/*.ml .

compile() { ocamlfind ocamlc -thread -package rust-async "$@"; }
compile -c rust.ml
compile -a -o rust.cma -dllib -linterop_tests_stubs rust.cmo
# The static library's own C libraries: threads, mathematics, dynamic loading.
system=(-cclib -lpthread -cclib -lm -cclib -ldl)

cat >expected <<'TEXT'
12345 21
panic: boom
7 8
future is dropped
Rust_async.Broken_promise
TEXT

# says NAME COMMAND…: it must print what is expected; what it says on standard error is shown when it does not.
says() {
  local name=$1
  shift
  if ! timeout 60 "$@" >printed 2>errors || ! diff -u expected printed >&2; then
    cat errors >&2
    die "$name failed"
  fi
  echo "$name works"
}

# A toplevel links what it loads at once, and rust_async.cma refers to the cdylib: that comes first.
query() { ocamlfind query -recursive -predicates byte,mt,mt_posix "$@"; }
mapfile -t folders < <(query -format %d rust-async | sed 's/^/-I\n/')
mapfile -t archives < <(query -a-format lwt.unix threads)
says "ocaml" ocaml -noprompt "${folders[@]}" "${archives[@]}" rust.cma rust_async.cma session.ml

ocamlfind ocamlmktop -thread -package rust-async -linkpkg -o top rust.cma
says "ocamlmktop" ./top -noprompt "${folders[@]}" session.ml

ocamlfind ocamlmktop -thread -custom -package rust-async -linkpkg -o custom_top rust.cmo "$stubs/libinterop_tests_stubs.a" "${system[@]}"
says "ocamlmktop -custom" ./custom_top -noprompt "${folders[@]}" session.ml

# The same phrases as a program.
sed 's/^print_/let () = print_/; s/^match/let () = match/; s/^Lwt\.on_failure/let () = Lwt.on_failure/; s/;;$//' session.ml >program.ml
compile -linkpkg -o program rust.cma program.ml
says "ocamlc" ./program

# As a library of which the linker does not know what it needs: Rust is loaded before OCaml's threads.
echo >early.ml
compile -c early.ml
compile -a -o early.cma -dllib -linterop_tests_stubs early.cmo
mapfile -t all < <(query -a-format rust-async)
compile -c rust.ml
compile -a -o plain.cma rust.cmo
ocamlc "${folders[@]}" -linkall early.cma "${all[@]}" plain.cma program.ml -o early
says "ocamlc, Rust before the threads" ./early

compile -custom -linkpkg -o custom rust.cmo program.ml "$stubs/libinterop_tests_stubs.a" "${system[@]}"
says "ocamlc -custom" ./custom

compile -output-complete-exe -linkpkg -o complete rust.cmo program.ml "$stubs/libinterop_tests_stubs.a" "${system[@]}"
says "ocamlc -output-complete-exe" ./complete
