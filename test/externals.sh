#!/usr/bin/env bash
# What is declared twice agrees: OCaml's externals and what Rust exports, for every crate that makes a static library, and
# whose externals are written by hand.
# See externals/src/lib.rs for the rules.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

library=(ocaml rust/ocaml-lwt-interop/src/exports)
groups=()
for manifest in examples/*/Cargo.toml bench/Cargo.toml test/Cargo.toml; do
  grep -q staticlib "$manifest" || continue
  # Declarations that are made from the library need no comparison.
  ! grep 'rust-async build' "$(dirname "$manifest")/dune" | grep -qv -e --no-declarations -e --static || continue
  folder=$(dirname "$manifest")
  name=$(sed -n 's/^name = "\(.*\)"/\1/p' "$manifest" | head -n 1)
  archive=$folder/lib${name//-/_}_stubs.a
  dune build "$archive"
  # The library's own externals are in every program.
  groups+=(-- "_build/default/$archive" "$folder" "${library[@]}")
done
cargo build --release --quiet --target-dir target -p interop-externals
target/release/interop-externals "${groups[@]:1}"
