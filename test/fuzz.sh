#!/usr/bin/env bash
# The fuzzer of whole programs, for a short time: the cases that it has kept, and new ones.
#
#   FUZZ_SECONDS=600 test/fuzz.sh
set -euo pipefail
. "$(dirname "$0")/../scripts/env.sh"

dune build ./test/fuzz/fuzz.exe
cargo build --quiet --target-dir target -p fuzz-host
_build/default/test/fuzz/fuzz.exe --seconds "${FUZZ_SECONDS:-50}" --keep test/fuzz/kept
