#!/usr/bin/env bash
# A program whose parts were not made for one another says so when it starts, in native code and in bytecode.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

checkout=$PWD
folder=$(mktemp -d)
# What cargo builds for one project, the next one need not build again.
export CARGO_TARGET_DIR=$top/target/projects
trap 'rm -rf "$folder"' EXIT

# A project that has a copy of the OCaml half, so that this can be changed.
scripts/rust-async new "$folder/my-project" >/dev/null
cd "$folder/my-project"
rm rust-async
mkdir rust-async
tar -C "$checkout" --exclude=./_build --exclude=./target --exclude=./.git --exclude=node_modules -cf - . | tar -C rust-async -xf -
sed -i 's/(name main)/(name main) (modes exe byte)/' bin/dune
programs=(./bin/main.exe ./bin/main.bc)

# ends_with WORDS: both programs are built, and end with these words.
ends_with() {
  local program said
  dune build "${programs[@]}"
  for program in "${programs[@]}"; do
    if said=$(CAML_LD_LIBRARY_PATH=_build/default "_build/default/$program" 2>&1); then said="no failure: $said"; fi
    [[ $said == *"$1"* ]] || die "$program ends without \"$1\": $said"
  done
}

dune build "${programs[@]}"
for program in "${programs[@]}"; do
  said=$(CAML_LD_LIBRARY_PATH=_build/default "_build/default/$program")
  [[ $said == *"hello world" ]] || die "$program says: $said"
done

# Declarations that are older than the library: kept, where a rule would make them anew.
cp _build/default/my_project.ml _build/default/my_project.mli .
chmod u+w my_project.ml my_project.mli
cp dune dune.kept
sed -i 's/ my_project.ml my_project.mli)/)/; s/rust-async build my_project/rust-async build my_project --module other/' dune
sed -i 's/ dllmy_project_stubs.so)/ dllmy_project_stubs.so other.ml other.mli)/; s/(name my_project)/(name my_project) (modules my_project)/' dune
sed -i 's/pub async fn greet(/\/\/\/ Changed.\n&/' src/lib.rs
ends_with "declarations of the crate my_project are those of another version"
mv dune.kept dune
rm my_project.ml my_project.mli

# A version of the OCaml half that is not the crate's.
sed -i 's/^let version = .*/let version = "0.0.9"/' rust-async/ocaml/halves.ml
ends_with "rust-async is 0.0.9, and ocaml-lwt-interop is"
cp "$checkout/ocaml/halves.ml" rust-async/ocaml/halves.ml

# A callback more than the crate knows.
sed -i 's/^  is_shown : bool;/&\n  more : int;/; s/^    is_shown = .*;/&\n    more = 1;/' rust-async/ocaml/callbacks.ml rust-async/ocaml/callbacks.mli
ends_with "callbacks, and ocaml-lwt-interop knows"
echo "parts that were not made for one another say so"
