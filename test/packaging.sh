#!/usr/bin/env bash
# What is released, as others get it: the opam file, the pages of odoc and rustdoc, the crates; and the package, and a library that
# `rust-async new --library` made, built and tested as opam does, from vendored crates, with no network and no registry.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

# Not where tests have no network: once is enough.
if [ "${CARGO_NET_OFFLINE-}" = true ]; then
  echo "skipped: cargo asks the registry for what is published, and is to have no network here"
  exit
fi
# Several crates at once, each with those before it, are published by cargo 1.90 and later.
minor=$(cargo --version | sed 's/cargo 1\.\([0-9]*\).*/\1/')
if [ "$minor" -lt 90 ]; then
  echo "skipped: cargo 1.$minor publishes one crate at a time"
  exit
fi
for tool in opam odoc; do
  package=$tool
  [ "$tool" = opam ] || package=ocaml-odoc
  command -v "$tool" >/dev/null || apt_install "$tool" "$package" || die "$tool is needed and could not be installed"
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Reads an opam file. Number 62 is for licences: opam 2.1 knows none of two.
lint() {
  local said
  said=$(OPAMROOTISOK=1 opam lint --warnings=-62 "$1" 2>&1) || die "$said"
  [[ $said == *"Passed."* ]] || die "$said"
}
lint rust-async.opam

# odoc looks for the pages of other packages, which Debian's have not. dune may say which command printed that.
said=$(dune build @doc 2>&1 | grep -v '^ *odoc _doc/\|^$\|^File .*odoc":$\|^Warning: Couldn.t find the following modules:$\|^  \(Lwt[a-z_]*\|Stdlib\|Unix\|Thread\| \)*$' || true)
[ -z "$said" ] || die "odoc: $said"
shown=$(grep -o 'href="Rust_async[^"]*"' _build/default/_doc/_html/rust-async/index.html)
[ "$shown" = 'href="Rust_async/index.html"' ] || die "odoc shows private modules: $shown"

# In a folder of its own: cargo keeps what it made of a version in another.
cargo publish --quiet --dry-run --allow-dirty --target-dir "$folder/published" \
  -p ocaml-lwt-interop-macros -p ocaml-lwt-interop -p ocaml-lwt-interop-build
for crate in ocaml-lwt-interop ocaml-lwt-interop-macros ocaml-lwt-interop-build; do
  files=$(cargo package --list --allow-dirty -p "$crate")
  for file in LICENSE-MIT LICENSE-APACHE README.md Cargo.toml; do
    [[ $crate != ocaml-lwt-interop && $file == README.md ]] || grep -qx "$file" <<<"$files" || die "$crate is published without $file"
  done
done
# As docs.rs does, which has no OCaml.
RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps --target-dir "$folder/published" -p ocaml-lwt-interop \
  --no-default-features --features without-ocamlopt

# A copy of the sources with all crates in it, and a home of cargo's with nothing in it.
mkdir "$folder/source"
git ls-files -z | tar --null -T - -cf - | tar -C "$folder/source" -xf -
vendored=$folder/vendored
config=$(cargo vendor --locked "$vendored" 2>/dev/null)
export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} CARGO_HOME=$folder/cargo CARGO_NET_OFFLINE=true
unset CARGO_TARGET_DIR
# Thorough and slow: other tests do that.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=0
alone=()
if unshare --net true 2>/dev/null; then alone=(unshare --net); fi
# as_opam PACKAGE TARGET…: what the opam files say, in the folder at hand.
as_opam() {
  mkdir -p .cargo
  printf '%s\n' "$config" >.cargo/config.toml
  "${alone[@]}" dune build -p "$1" -j 2 --promote-install-files=false "${@:2}"
  dune install --prefix "$folder/prefix" --libdir "$folder/prefix/lib" "$1" 2>/dev/null
}
cd "$folder/source"
as_opam rust-async @install @test/declarations/runtest
export PATH=$folder/prefix/bin:$PATH OCAMLPATH=$folder/prefix/lib${OCAMLPATH:+:$OCAMLPATH}
cd "$folder"
rust-async new --library my-library >/dev/null
cd my-library
as_opam my-library @install @runtest
lint my-library.opam
echo "the package, and a library that was made with it, can be released"
