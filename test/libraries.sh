#!/usr/bin/env bash
# Two OCaml libraries, each with a crate behind it, that know nothing of each other: installed, and used by one program that has a
# crate of its own, by one that has none, by tests, in bytecode and in a toplevel. Without a network.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

folder=$(mktemp -d)
# What cargo builds for one project, the next one need not build again.
export CARGO_TARGET_DIR=$top/target/projects CARGO_NET_OFFLINE=true
. test/follow.sh
trap 'tell_failed; rm -rf "$folder"' EXIT
prefix=$folder/prefix
install() {
  dune build "$1.install"
  dune install --prefix "$prefix" --libdir "$prefix/lib" "$1" 2>/dev/null
}
install rust-async
export PATH=$prefix/bin:$PATH OCAMLPATH=$prefix/lib${OCAMLPATH:+:$OCAMLPATH}

# says TEXT COMMAND…: what the command prints ends so.
says() {
  local text=$1 printed
  shift
  printed=$("$@")
  [[ $printed == *"$text" ]] || die "$* printed: $printed"
}

# As the guide has it.
cd "$folder"
follow "$top/doc/guide/13-releasing.md"

# Both have a function `greet`, and a type of one name.
cd "$folder"
for name in lake sea; do
  rust-async new --library "$name" >/dev/null
  (
    cd "$name"
    cat >>rust/src/lib.rs <<RUST

/// How deep it is.
#[derive(ocaml_lwt_interop::FromOCaml, ocaml_lwt_interop::ToOCaml)]
pub struct Depth {
    /// In metres.
    pub ${name}_metres: isize,
}

#[ocaml_lwt_interop::func(sync)]
pub fn depth() -> Depth {
    Depth { ${name}_metres: ${#name} }
}
RUST
    dune build
    dune test
    install "$name"
  )
done

# A third one knows the first, in both languages, and its Rust uses types of the other's: they are one type in OCaml.
rust-async new --library coast >/dev/null
(
  cd coast
  sed -i 's|^ocaml-lwt-interop = .*|&\nlake = "0.1.0"|' rust/Cargo.toml
  sed -i 's|(run rust-async build coast|& --with %{lib:lake:rust/Cargo.toml} --types lake=Lake|; s|(libraries lwt|(libraries lake lwt|' dune
  sed -i 's|%{dep:../rust/Cargo.toml}|& %{lib:lake:rust/Cargo.toml}|' test/dune
  cat >>rust/src/lib.rs <<'RUST'

/// By a metre.
#[ocaml_lwt_interop::func(sync)]
pub fn deeper(depth: lake::Depth) -> lake::Depth {
    lake::Depth { lake_metres: depth.lake_metres + 1 }
}
RUST
  dune build
  dune test
  grep -q 'external deeper : Lake.depth -> Lake.depth' _build/default/coast.mli || die "coast.mli: $(cat _build/default/coast.mli)"
  install coast
)

# A program with a crate of its own: a line for each library.
rust-async new town >/dev/null
cd town
sed -i 's|(run rust-async build town|&\n   --with %{lib:lake:rust/Cargo.toml}\n   --with %{lib:coast:rust/Cargo.toml}\n   --with %{lib:sea:rust/Cargo.toml}|' dune
sed -i 's/(name main)/(name main) (modes exe byte)/; s/(libraries /(libraries lake sea coast /' bin/dune
cat >bin/main.ml <<'OCAML'
let on_done _ = Lwt.return_unit

let () =
  let { Lake.lake_metres } = Coast.deeper (Lake.depth ()) and { Sea.sea_metres } = Sea.depth () in
  let greetings = Lwt_list.map_s (fun greet -> greet "world" on_done) [ Lake.greet; Sea.greet; Town.greet ] in
  Printf.printf "%s, %d, %d\n" (String.concat ", " (Lwt_main.run greetings)) lake_metres sea_metres
OCAML
dune build
says "hello world, hello world, hello world, 5, 3" _build/default/bin/main.exe
says "hello world, hello world, hello world, 5, 3" env CAML_LD_LIBRARY_PATH=_build/default _build/default/bin/main.bc
dune test
if grep -q 'Lake\|Sea\|depth' _build/default/town.mli; then die "town.mli declares what is of others"; fi
cd ..

# A program without one.
mkdir village
cd village
echo '(lang dune 2.9)' >dune-project
cat >dune <<'DUNE'
(rule
 (targets librust_stubs.a dllrust_stubs.so)
 (deps (universe))
 (locks cargo)
 (action
  (run rust-async link rust %{lib:lake:rust/Cargo.toml} %{lib:sea:rust/Cargo.toml} --profile %{profile})))

(library
 (name rust)
 (modules)
 (foreign_archives rust_stubs))

(executable
 (name main)
 (modules main)
 (modes exe byte)
 (libraries lake sea rust lwt lwt.unix))
DUNE
sed 's/; Town.greet//; s/Coast.deeper (Lake.depth ())/Lake.depth ()/' ../town/bin/main.ml >main.ml
dune build ./main.exe ./main.bc ./rust.cma
says "hello world, hello world, 4, 3" _build/default/main.exe
says "hello world, hello world, 4, 3" env CAML_LD_LIBRARY_PATH=_build/default _build/default/main.bc

# A toplevel, which is what utop is: it links what it loads at once, so the library comes before what refers to it.
export CAML_LD_LIBRARY_PATH=$PWD/_build/default
query() { ocamlfind query -recursive -predicates byte,mt,mt_posix "$@"; }
mapfile -t folders < <(query -format %d lake sea | sed 's/^/-I\n/')
mapfile -t archives < <(query -a-format lwt.unix threads)
says "hello world, hello world, 4, 3" ocaml -noprompt "${folders[@]}" "${archives[@]}" \
  _build/default/rust.cma rust_async.cma lake.cma sea.cma main.ml

# Without the crate of one of them, and with symbols that two crates have.
sed 's| %{lib:sea:rust/Cargo.toml}||' dune >dune.less
mv dune.less dune
if said=$(dune build ./main.exe 2>&1); then die "a program without the crate of sea was linked"; fi
[[ $said == *sea__* ]] || die "a program without the crate of sea: $said"
cd ../sea
sed -i 's/#\[ocaml_lwt_interop::func(sync)\]/#[ocaml_lwt_interop::func(sync, name = "lake__depth")]/' rust/src/lib.rs
install sea
cd ../town
if said=$(dune build 2>&1); then die "two functions of one symbol were linked"; fi
[[ $said == *"symbol: lake__depth"* || $said == *"multiple definition of"*lake__depth* || $said == *"both the symbol lake__depth"* ]] &&
  [[ $said == *lake__depth*sea-* && $said == *lake__depth*lake-* ]] || die "two functions of one symbol: $said"
echo "two libraries with Rust inside are used by one program"
