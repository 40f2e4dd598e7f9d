#!/usr/bin/env bash
# Records a run of the benchmark for each toolchain, in bench/recorded, and writes the figures of the pages and the curves.
#
#   scripts/bench-record.sh [--only host|trixie|forky] [OPTIONS OF bench/main.exe]
#
# For a quiet machine: nothing else may run. Each takes about six minutes, besides what has to be built. A run in which a case
# fails is not recorded.
set -euo pipefail
. "$(dirname "$0")/env.sh"

declare -A names=([host]=debian12 [trixie]=debian13 [forky]=testing)
toolchains=(host trixie forky)
if [ "${1-}" = --only ]; then
  [ -n "${names[${2-}]-}" ] || die "usage: scripts/bench-record.sh [--only host|trixie|forky] [OPTIONS OF bench/main.exe]"
  toolchains=("$2")
  shift 2
fi
# About six minutes for each toolchain.
[ $# -gt 0 ] || set -- --rounds 5 --seconds 0.2

[[ " ${toolchains[*]} " != *' host '* ]] || (. /etc/os-release && [ "$ID$VERSION_ID" = debian12 ]) ||
  die "bench/recorded/debian12.json is Debian 12's, and this machine is not: --only trixie and --only forky can be recorded here"

new=$(mktemp)
trap 'rm -f "$new"' EXIT
for toolchain in "${toolchains[@]}"; do
  heading "$toolchain: $*"
  began=$SECONDS
  # What is printed on the way is for people; the run alone is the output.
  scripts/toolchain.sh "$toolchain" "{ . scripts/env.sh && dune build --root . --profile release ./bench/main.exe &&
    mkdir -p target && _build/default/bench/main.exe $* --json target/recorded.json; } >&2 && cat target/recorded.json" >"$new"
  cat "$new" >"bench/recorded/${names[$toolchain]}.json"
  heading "bench/recorded/${names[$toolchain]}.json: $((SECONDS - began)) s"
done
test/readme.sh --write
