#!/usr/bin/env bash
# The same handler on this server, on cohttp-lwt-unix and on hyper without OCaml, asked by wrk, on loopback:
#   bench.sh [--rounds N] [--seconds N]
# README.md says how to read what it prints. Installs nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/env.sh

rounds=5 seconds=3 connections=64
# At most so many requests in a row, however fast the machine is (sixteen times as many when they are pipelined).
count=5000000
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2 ;;
    --seconds) seconds=$2 ;;
    *) die "usage: bench.sh [--rounds N] [--seconds N]" ;;
  esac
  shift 2
done

missing=()
command -v wrk >/dev/null || missing+=(wrk)
ocamlfind query cohttp-lwt-unix >/dev/null 2>&1 || missing+=(libcohttp-lwt-unix-ocaml-dev)
[ ${#missing[@]} = 0 ] || die "The benchmark needs ${missing[*]}. As root, on Debian: apt-get install ${missing[*]}" \
  "With opam: opam install cohttp-lwt-unix, and wrk from your system"

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
dune build --profile release ./examples/server/main.exe
# Not by dune, which would want cohttp wherever it builds everything.
cp examples/server/cohttp/main.ml "$folder"
cargo build --release --quiet -p server --example hyper-alone
(cd "$folder" && ocamlfind ocamlopt -thread -package cohttp-lwt-unix,lwt.unix -linkpkg main.ml -o cohttp.exe)

# measure NAME KIND EXECUTABLE [OPTION…]: a line `requests/s microseconds-of-CPU-per-request` at the end of the file
# NAME.KIND. The server lives for as long as that.
measure() {
  local out=$folder/out before after requests rate
  rm -f "$out"
  timeout $((seconds + 20)) "${@:3}" >"$out" &
  local guard=$! pid port
  for _ in {1..500}; do
    if grep -qs 'port [0-9]*$' "$out"; then break; fi
    sleep 0.02
  done
  port=$(sed 's/.* //' "$out")
  pid=$(tr -d ' ' <"/proc/$guard/task/$guard/children")
  before=$(cpu "$pid")
  timeout $((seconds + 10)) wrk -t1 -c$connections -d"${seconds}s" -s examples/server/bench.lua \
    "http://127.0.0.1:$port/" -- "$2" $count >"$folder/wrk"
  after=$(cpu "$pid")
  kill -TERM $guard
  wait $guard || die "$1 ended with status $?"
  ! grep -E 'Non-2xx|(connect|, read|, write) [1-9]' "$folder/wrk" || die "$1 did not answer all of it"
  requests=$(awk '/requests in/ { print $1 }' "$folder/wrk")
  rate=$(awk '/^Requests\/sec/ { print $2 }' "$folder/wrk")
  awk "BEGIN { print $rate, ($after - $before) / $requests }" >>"$folder/$1.$2"
}
# The processor time of a process, in microseconds, those of its threads together.
cpu() { awk -v tick="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000000 / tick }' "/proc/$1/stat"; }
median() { sort -g -k "$2" "$folder/$1" | awk -v column="$2" '{ x[NR] = $column } END { print x[int((NR + 1) / 2)] }'; }

printf '%d connections, %d rounds of %d s; the median\n\n' $connections "$rounds" "$seconds"
printf '%-10s%25s%25s%25s%20s\n' '' 'cohttp-lwt-unix' 'hyper without OCaml' 'this server' 'as many, as cheap'
for kind in bare browser post pipelined; do
  # One after the other and not all of one first: whatever else the machine does hits all.
  for ((round = 0; round < rounds; round++)); do
    measure cohttp $kind "$folder/cohttp.exe"
    measure hyper $kind target/release/examples/hyper-alone
    measure server $kind _build/default/examples/server/main.exe --port 0
  done
  printf '%-10s' $kind
  for server in cohttp hyper server; do
    printf '%13.0f/s %6.1f us' "$(median $server.$kind 1)" "$(median $server.$kind 2)"
  done
  awk "BEGIN { printf \"%11.1f x %5.1f x\n\", $(median server.$kind 1) / $(median cohttp.$kind 1),
    $(median cohttp.$kind 2) / $(median server.$kind 2) }"
done
