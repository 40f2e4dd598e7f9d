#!/usr/bin/env bash
# Laws of the program:  fetch.sh EXECUTABLE SERVER. Each prints its name, and has a server of its own; the first that does not hold
# says why and ends it.
set -euo pipefail
export LC_ALL=C
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
fetch=$(realpath "$1") server=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT # the server ends with its standard input, and so with this script
cd "$folder"

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  cat out err >&2
  exit 1
}
until_true() {
  for _ in {1..1500}; do
    if "$@"; then return; fi
    sleep 0.02
  done
  fail "waited in vain: $*"
}
# run EXPECTED_STATUS ARGUMENT…: leaves `out` and `err`. Whatever hangs is a failure. (A machine without certificates of its own needs
# an authority also for what is not secret.)
run() {
  local expected=$1 status=0
  shift
  timeout --kill-after=1 60 "$fetch" --into files --trust authority "$@" >out 2>err || status=$?
  [ "$status" = "$expected" ] || fail "status $status, not $expected: fetch $*"
}
out_is() { [ "$(cat out)" = "$1" ] || fail "stdout is not: $1"; }
err_has() { grep -q -- "$1" err || fail "stderr has no: $1"; }
files_are() { [ "$(ls files | tr '\n' ' ')" = "${1:+$1 }" ] || fail "the files are $(ls files)"; }
counted() { # counted NAME: what the server says of it
  "$fetch" --trust authority --into . "$http/counts" >/dev/null
  sed -n "s|^$1 ||p" counts
}
counted_is() { [ "$(counted "$1")" = "$2" ]; }

files_are_whole() {
  run 0 "$http/bytes/0" "$https/bytes/1000000" "$https/bytes/300?x=/y#/z" "$http/torn/2/500000"
  out_is '4 of 4 files, 1.5 MB'
  files_are '0 1000000 300 500000'
  for size in 0 1000000 300 500000; do
    [ "$(stat -c %s files/$size)" = $size ] || fail "files/$size is of another size"
  done
  cmp files/300 <(head -c 300 files/1000000) || fail "another content"
  counted_is /torn/2/500000 3 || fail "not three tries"
}

# Each of these is answered when three are there. So three are under way at a time, and never four.
limit_is_reached_and_not_exceeded() {
  local urls=()
  for i in {1..12}; do urls+=("$http/together/3/$i"); done
  run 0 --at-a-time 3 "${urls[@]}"
  out_is '12 of 12 files, 0.0 MB'
  counted_is most 3 || fail "at most $(counted most) at a time"
}

what_fails_is_said_and_the_rest_goes_on() {
  run 1 --tries 2 "$http/status/503" "$https/bytes/10" "$http/nowhere"
  out_is '1 of 3 files, 0.0 MB'
  files_are 10
  err_has "^fetch: $http/status/503: status 503"
  err_has "^fetch: $http/nowhere: status 404"
  counted_is /status/503 2 || fail "not two tries"
  run 1 --timeout 0.1 --tries 2 "$http/half/100000"
  err_has 'timed out'
  files_are 10
  run 1 "https://localhost:${https##*:}/bytes/11"
  err_has 'invalid peer certificate'
  files_are 10
}

interrupt_leaves_no_half_of_a_file() {
  local status=0 pid
  "$fetch" --trust authority --into files "$http/bytes/1000" "$http/half/1000000" "$http/hang" >out 2>err &
  pid=$!
  until_true test -s files/1000000.part
  until_true test -e files/1000
  until_true counted_is now 2
  files_are '1000 1000000.part'
  kill -INT $pid
  wait $pid || status=$?
  [ $status = 130 ] || fail "status $status"
  err_has '^fetch: interrupted$'
  files_are 1000
  until_true counted_is cancelled 2
}

kill_leaves_nothing_under_the_final_name() {
  "$fetch" --trust authority --into files "$http/half/1000000" >out 2>err &
  until_true test -s files/1000000.part
  kill -KILL $!
  wait $! 2>/dev/null || true
  files_are 1000000.part
  until_true counted_is cancelled 1
}

upload_is_answered() {
  head -c 3000000 /dev/urandom >file
  run 0 --put file "$https/count"
  out_is 3000000
  run 0 --put - "$https/echo" <err
  run 0 --put - "$https/count" < <(cat file)
  out_is 3000000
  run 0 --put file "$http/flaky/2/x"
  out_is 'at last'
  run 1 --put - "$http/flaky/1/y" <file
  err_has 'status 503'
  counted_is /flaky/1/y 1 || fail "a pipe cannot be sent twice"
  run 1 --put nowhere "$http/count"
  err_has 'No such file'
}

bar_is_drawn_on_a_terminal_only() {
  run 0 "$http/bytes/50000000"
  [ ! -s err ] || fail "not a terminal"
  script -qec "'$fetch' --trust authority --into files '$http/bytes/50000000'" terminal </dev/null >/dev/null || fail "status $?"
  grep -aq $'\r\[[#-]*\] 0/1 files, [0-9.]* MB' terminal || fail "no bar: $(cat -v terminal)"
}

wrong_command_line_is_status_2() {
  local wrong
  for wrong in '' '--wrong' "--at-a-time 0 $http/bytes/1" "--timeout 0 $http/bytes/1" "--put file" "--put file a/b/c/d a/b/c/d"; do
    run 2 $wrong
    grep -q '^usage: ' err || fail "no usage: $wrong"
  done
  run 1 "$http/"
  err_has '^fetch: no name for a file'
  run 1 "$http/bytes/1" "$https/bytes/1"
  err_has '^fetch: two files of one name'
  run 1 --trust nowhere "$http/bytes/1"
  err_has 'No such file'
  files_are ''
}

for law in files_are_whole limit_is_reached_and_not_exceeded what_fails_is_said_and_the_rest_goes_on \
  interrupt_leaves_no_half_of_a_file kill_leaves_nothing_under_the_final_name upload_is_answered bar_is_drawn_on_a_terminal_only \
  wrong_command_line_is_status_2; do
  if [ $law = bar_is_drawn_on_a_terminal_only ] && ! command -v script >/dev/null; then
    echo "skipped: script(1), which gives a program a terminal, is not installed"
    continue
  fi
  echo $law
  rm -rf files ports input
  mkdir files
  mkfifo input
  : >out
  : >err
  "$server" authority <input >ports &
  exec 9>input
  until_true test -s ports
  read -r http https <ports
  http=http://127.0.0.1:$http https=https://127.0.0.1:$https
  $law
  exec 9>&-
  wait
done
