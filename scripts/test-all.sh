#!/usr/bin/env bash
# Every test on every toolchain: this machine's, Debian 13's (trixie), Debian testing's (forky).
#
#   scripts/test-all.sh [--only host|trixie|forky] [--command 'COMMAND LINE']
#
# With --command, runs that instead of the tests. Goes on after a failure, and ends with a table.
set -euo pipefail
. "$(dirname "$0")/env.sh"

toolchains=(host trixie forky)
command=scripts/test.sh
while [ $# -ge 2 ]; do
  case $1 in
    --only) toolchains=("$2") ;;
    --command) command=$2 ;;
    *) break ;;
  esac
  shift 2
done
[ $# = 0 ] || die "usage: scripts/test-all.sh [--only host|trixie|forky] [--command 'COMMAND LINE']"

versions='. /etc/os-release; echo "$PRETTY_NAME"
  ocamlfind ocamlopt -version; ocamlfind query -format "%v" lwt.unix; dune --version'

table=()
failures=0
for toolchain in "${toolchains[@]}"; do
  heading "$toolchain: $command"
  if scripts/toolchain.sh "$toolchain" "$command"; then
    result=passed
  else
    result=FAILED
    failures=$((failures + 1))
  fi
  mapfile -t version <<<"$(scripts/toolchain.sh "$toolchain" "$versions" 2>/dev/null)"
  table+=("$(printf '%-8s %-32s %-8s %-8s %-8s %s' "$toolchain" "${version[0]:--}" "${version[1]:--}" \
    "${version[2]:--}" "${version[3]:--}" "$result")")
done

heading "$command"
printf '%-8s %-32s %-8s %-8s %-8s %s\n' toolchain system OCaml Lwt dune result
printf '%s\n' "${table[@]}"
[ "$failures" = 0 ]
