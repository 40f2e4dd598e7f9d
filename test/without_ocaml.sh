#!/usr/bin/env bash
# Where there is no OCaml, the Rust half says what to do, and its documentation can be made in the way that it says.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

unset OCAML_WHERE_PATH
export OCAMLOPT=$PWD/no-ocamlopt
target=$PWD/target/without-ocaml

# The crate that says it, alone: cargo may run a build script that fails with less to go by at the same time, or before.
if said=$(cargo check --quiet --target-dir "$target" -p ocaml-lwt-interop-macros 2>&1); then die "it builds without OCaml"; fi
[[ $said == *"There is no OCaml here"*OCAMLOPT* ]] || die "without OCaml: $said"
command=$(sed -n 's/.*none is needed: \(cargo doc .*\)/\1/p' <<<"$said")
[ -n "$command" ] || die "no command for the documentation: $said"
RUSTDOCFLAGS='-D warnings' $command --quiet --no-deps --target-dir "$target" -p ocaml-lwt-interop
[ -e "$target/doc/ocaml_lwt_interop/index.html" ] || die "no documentation was made"

# To look for OCaml has no second build begin anew, where only PATH is another, as in dune's rules.
unset OCAMLOPT
check() { cargo check --target-dir "$target" -p ocaml-lwt-interop-macros; }
check 2>/dev/null
said=$(PATH=$PATH:/nowhere check 2>&1)
[[ $said != *Checking* && $said != *Compiling* ]] || die "another PATH has cargo build again: $said"
echo "without OCaml, the crates say what to do, and their documentation can be made"
