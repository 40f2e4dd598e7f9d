#!/usr/bin/env bash
# Laws of the program:  ledger.sh EXECUTABLE. Each prints its name; the first that does not hold says why and ends it.
set -euo pipefail
export LC_ALL=C
ledger=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  cat out err >&2
  exit 1
}
# run EXPECTED_STATUS ARGUMENT…: leaves `out` and `err`. Whatever hangs is a failure.
run() {
  local expected=$1 status=0
  shift
  timeout --kill-after=1 60 "$ledger" "$@" >out 2>err || status=$?
  [ "$status" = "$expected" ] || fail "status $status, not $expected: ledger $*"
}
out_has() { grep -q -- "$1" out || fail "stdout has no: $1"; }
err_is() { [ "$(cat err)" = "$1" ] || fail "stderr is not: $1"; }
agrees() {
  run 0 report
  out_has "^$1 transfers of .*, 10000 on the accounts, which agree"
}

transfers_are_all_noted() {
  run 0 open 10
  run 0 transfer 500
  out_has '^[0-9]* transfers, [0-9]* refused$'
  agrees "$(sed 's/ .*//' out)"
}

timeout_rolls_back() {
  run 0 open 10
  run 124 --timeout 0.3 circle 1000000000
  err_is 'ledger: timed out'
  agrees 0
}

interrupt_rolls_back() {
  local status=0
  run 0 open 10
  "$ledger" circle 1000000000 >out 2>err &
  # It has begun when it has written something.
  for _ in {1..500}; do
    [ ! -s ledger.db-wal ] || break
    sleep 0.02
  done
  sleep 0.2
  kill -INT $!
  wait $! || status=$?
  [ "$status" = 130 ] || fail "status $status"
  err_is 'ledger: interrupted'
  agrees 0
}

kill_loses_nothing_that_was_committed() {
  run 0 open 10
  "$ledger" transfer 1000000 >out 2>err &
  sleep 0.3
  kill -KILL $!
  wait $! 2>/dev/null || true
  agrees '[0-9]*'
}

bar_is_drawn_on_a_terminal_only() {
  run 0 open 10
  run 0 circle 200000
  run 0 report
  err_is ''
  script -qec "'$ledger' report" terminal </dev/null >/dev/null || fail "status $?"
  grep -aq $'\r\[[#-]*\] [0-9]*/200000' terminal || fail "no bar: $(cat -v terminal)"
}

wrong_command_line_is_status_2() {
  for wrong in '' nonsense 'open many' 'open' 'report now' '--wrong report'; do
    run 2 $wrong
    grep -q '^usage: ' err || fail "no usage: $wrong"
  done
  run 1 --database nonsense report
  err_is 'ledger: a URL begins with `sqlite:` or `postgres:`: nonsense'
}

for law in transfers_are_all_noted timeout_rolls_back interrupt_rolls_back kill_loses_nothing_that_was_committed \
  bar_is_drawn_on_a_terminal_only wrong_command_line_is_status_2; do
  if [ $law = bar_is_drawn_on_a_terminal_only ] && ! command -v script >/dev/null; then
    echo "skipped: script(1), which gives a program a terminal, is not installed"
    continue
  fi
  echo $law
  : >out
  : >err
  $law
done
