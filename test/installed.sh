#!/usr/bin/env bash
# The package, installed into a folder of its own: a project in an empty folder finds both halves there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

folder=$(mktemp -d)
# What cargo builds for one project, the next one need not build again.
export CARGO_TARGET_DIR=$top/target/projects
trap 'rm -rf "$folder"' EXIT
prefix=$folder/prefix
dune build rust-async.install
dune install --prefix "$prefix" --libdir "$prefix/lib" rust-async 2>/dev/null
export PATH=$prefix/bin:$PATH OCAMLPATH=$prefix/lib${OCAMLPATH:+:$OCAMLPATH}

cd "$folder"
rust-async new my-project >/dev/null
[ ! -e my-project/rust-async ] || die "a project of the installed package has a link to a clone"
cd my-project
dune build
printed=$(dune exec ./bin/main.exe)
[[ $printed == *"hello world" ]] || die "a project of the installed package printed: $printed"
dune test
cargo test --quiet --offline
echo "a project of the installed package builds and runs"
