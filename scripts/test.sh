#!/usr/bin/env bash
# Every test, on the toolchain at hand; stops at the first part that fails.
#
#   scripts/test.sh              all of it, once
#   scripts/test.sh --repeat N   dune's tests only, N times in a row: what fails once in a hundred runs shows here
#   scripts/test.sh --again      what another OCaml can change, once more: without optimisation, and without what
#                                has run on one toolchain and would do the same on the next (loom, the macros, the floors)
#   scripts/test.sh --laws       of that, the laws and the fuzzer: for a third toolchain
set -euo pipefail
. "$(dirname "$0")/env.sh"

# dune remembers which tests passed and would not run them again, hence --force. A test that hangs is a failure too.
# More of them at a time than there are processors: most wait most of the time, and being interrupted is what they are for.
dune_tests() { timeout 15m dune build -j "$((2 * $(nproc)))" @runtest --force; }

repeat() {
  local runs=$1 failures=0 run log
  log=$(mktemp)
  for ((run = 1; run <= runs; run++)); do
    if dune_tests >"$log" 2>&1; then
      printf .
    else
      failures=$((failures + 1))
      printf '\nrun %d failed:\n' "$run"
      cat "$log"
    fi
  done
  rm -f "$log"
  printf '\n%d runs, %d failed\n' "$runs" "$failures"
  [ "$failures" = 0 ]
}

# part NAME COMMAND…: a heading, then the command; the trap below names the part that failed.
parts=0
part() {
  current=$1
  shift
  parts=$((parts + 1))
  heading "$current"
  "$@"
}
trap '[ $? = 0 ] || printf "\nFAILED: %s\n" "${current-}" >&2' EXIT

again='' laws=''
if [ "${1-}" = --again ] || [ "${1-}" = --laws ]; then
  again=yes
  [ "$1" = --again ] || laws=yes
  export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=0
  # Fifty programs with all of that in each: the linker that comes with rustup's Rust takes a sixth of the time of GNU's.
  lld=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/gcc-ld
  [ ! -e "$lld/ld.lld" ] || export OCAMLPARAM="_,ccopts=-fuse-ld=lld -B$lld"
  shift
fi

part "dune: build everything" dune build @all

case ${1-} in
  --repeat)
    part "dune: tests, $2 times" repeat "$2"
    exit
    ;;
  '') ;;
  *) die "usage: scripts/test.sh [--repeat N | --again | --laws]" ;;
esac

part "dune: tests" dune_tests
if [ -n "$again" ]; then
  part "cargo: a program of Rust's" cargo test --target-dir target -p interop_host
else
  # Not the workspace: its crates would share the features of ocaml-rs's that some of them need.
  part "cargo: unit tests, compile-fail tests, a program of Rust's" cargo test --target-dir target \
    -p ocaml-lwt-interop-macros -p interop-house -p interop-model -p interop_host -p links -p bench_figures
  # With this flag the pure state files (test/model) use the atomics of the model checker, loom. It
  # compiles every dependency anew, hence a target folder of its own.
  part "loom: the protocols between threads" env RUSTFLAGS="--cfg loom" \
    cargo test --release --target-dir target/loom -p interop-model
fi
# What another OCaml does not change.
skipped=
[ -z "$again" ] || skipped=' diagrams links packaging readme without_ocaml '
[ -z "$laws" ] || skipped+='handshake host installed libraries new_project '
for script in test/*.sh; do
  name=${script#test/} name=${name%.sh}
  if [ -x "$script" ] && [[ $skipped != *" $name "* ]]; then part "$script" "$script"; fi
done

printf '\nAll %d parts passed in %d s: OCaml %s, Lwt %s, dune %s\n' "$parts" "$SECONDS" \
  "$(ocamlfind ocamlopt -version)" "$(ocamlfind query -format %v lwt.unix)" "$(dune --version)"
