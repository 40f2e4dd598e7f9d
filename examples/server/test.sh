#!/usr/bin/env bash
# Laws of the server:  test.sh EXECUTABLE CLIENT AGAIN. Each prints its name; the first that does not hold says why and ends it.
# Each has a server of its own, on a port of its own of 127.0.0.1, which must end with status 0 at SIGTERM.
set -euo pipefail
export LC_ALL=C RUST_BACKTRACE=0
server=$(realpath "$1") client=$(realpath "$2") again=$(realpath "$3")
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  for file in out err answer; do
    [ ! -s $file ] || { printf -- '--- %s\n' $file; head -c 2000 $file | cat -v; } >&2
  done
  exit 1
}
until_true() {
  for _ in {1..500}; do
    if "$@"; then return; fi
    sleep 0.02
  done
  fail "waited in vain: $*"
}
# law NAME [OPTION…]: with a server that has these options, of which nothing is left in the end.
law() {
  printf '%s\n' "$1"
  rm -f out err answer
  timeout --signal=KILL 90 "$server" --port 0 "${@:2}" >out 2>err &
  pid=$!
  until_true grep -qs 'port [0-9]*$' out
  port=$(sed 's/.* //' out)
  url=http://127.0.0.1:$port
  "$1"
  if [ -n "$pid" ]; then stop; fi
}
stop() { # stop [STATUS]
  local status=0
  kill -TERM "$pid"
  wait "$pid" || status=$?
  [ $status = "${1-0}" ] || fail "the server's status is $status"
  pid=
}
get() { # get EXPECTED_STATUS ARGUMENT…: leaves `answer`, the body
  local status
  status=$(curl -sS --max-time 20 -o answer -w '%{http_code}' "${@:2}") || fail "curl ${*:2}: status $?"
  [ "$status" = "$1" ] || fail "status $status, not $1: curl ${*:2}"
}
answer_is() { [ "$(cat answer)" = "$1" ] || fail "the answer is not: $1"; }
err_is() { [ "$(grep -v -e '^$' -e '^thread ' -e '^note: ' -e '^this function' err)" = "$1" ] || fail "stderr is not: $1"; }
# What the server is at, without what was cancelled.
counts() { "$client" counts "$port" | sed 's/cancelled [0-9]*, //'; }
nothing_is_kept() { until_true counts_are 'running 0, tasks 2, subscriptions 1, roots 3'; }
counts_are() { [[ $(counts) == "$1"* ]]; }
by_client() {
  "$client" "${FUNCNAME[1]}" "$port" "$@" || fail "see above"
  nothing_is_kept
}

handler_answers_what_it_is_asked() {
  get 200 "$url/"
  answer_is hello
  get 404 "$url/nowhere?at=all"
  get 200 -I "$url/"
  grep -qi '^content-length: 6' answer || fail "a HEAD without the length"
  get 200 -A 'somebody' "$url/agent"
  answer_is somebody
  get 200 -H 'One: 1' -H 'Two;' -H $'Three: \xff' -H 'User-Agent:' -H 'Accept:' "$url/headers"
  answer_is "host: 127.0.0.1:$port"$'\none: 1\ntwo: \nthree: \xff'
  for body in '' small "$(head -c 100000 /dev/urandom | base64 -w0)"; do
    printf %s "$body" >body
    get 200 --data-binary @body "$url/echo"
    cmp -s body answer || fail "not echoed: ${#body} bytes"
  done
  nothing_is_kept
}

handler_that_raises_is_500_and_a_line() {
  get 500 "$url/raise"
  answer_is 'Internal Server Error'
  get 500 "$url/slow/soon"
  get 500 "$url/nonsense"
  get 200 "$url/"
  err_is 'server: GET /raise: Failure("this handler always fails")
server: GET /slow/soon: Failure("float_of_string")
server: GET /nonsense: invalid HTTP header name'
  nothing_is_kept
}

panic_in_rust_is_500_and_a_line() {
  for _ in {1..10}; do get 500 "$url/panic"; done
  answer_is 'Internal Server Error'
  get 200 "$url/"
  [ "$(grep -c '^server: GET /panic: Rust_async.Rust_panic: this function always panics, at ' err)" = 10 ] || fail "not said"
  nothing_is_kept
}

rust_that_a_handler_calls_has_the_programs_tokio() {
  for _ in {1..10}; do get 200 "$url/thread"; done
  answer_is tokio-ocaml
  nothing_is_kept
}

malformed_request_is_400() {
  for request in 'nonsense' 'GET' 'GET / HTTP/9.9' $'GET / HTTP/1.1\r\nno colon' $'GET / HTTP/1.1\r\na b: c' \
    $'POST / HTTP/1.1\r\ncontent-length: x' $'GET /\x01 HTTP/1.1'; do
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf '%s\r\n\r\n' "$request" >&3
    timeout 5 cat <&3 >answer || fail "the connection stays open: $request"
    exec 3>&-
    grep -q '^HTTP/1.1 400 ' answer || fail "not 400: $request"
  done
  # A body that breaks off in the middle of a chunk.
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf 'POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n' >&3
  timeout 5 cat <&3 >answer || fail "the connection stays open"
  exec 3>&-
  err_is ''
  nothing_is_kept
}

headers_beyond_the_limit_are_431() { # --max-header 10000
  get 200 -H "long: $(head -c 9000 /dev/zero | tr '\0' x)" "$url/"
  get 431 -H "long: $(head -c 10000 /dev/zero | tr '\0' x)" "$url/"
  nothing_is_kept
}

body_beyond_the_limit_is_413() { # --max-body 100000
  head -c 100000 /dev/urandom >body
  for how in '' 'Transfer-Encoding: chunked'; do
    get 200 -H "$how" --data-binary @body "$url/echo"
    cmp -s body answer || fail "not echoed"
  done
  for size in 100001 300000; do
    head -c $size /dev/zero >body
    for how in Expect: 'Expect: 100-continue' 'Transfer-Encoding: chunked'; do
      get 413 -H "$how" --data-binary @body "$url/whole"
    done
  done
  # A client that asks first need not send it. One that does not, and sends more than the server is ready to throw away, may
  # be cut off before it looks at the answer.
  head -c 3000000 /dev/zero >body
  get 413 -H 'Expect: 100-continue' --data-binary @body "$url/whole"
  get 200 "$url/"
  err_is ''
  nothing_is_kept
}

body_that_nobody_wants_is_left() {
  head -c 300000 /dev/zero >small
  head -c 3000000 /dev/zero >large
  for how in Expect: 'Expect: 100-continue'; do
    get 404 -H "$how" --data-binary @small "$url/nowhere"
    get 200 -H "$how" --data-binary @small "$url/later"
  done
  answer_is 'not yet'
  # Cut off, perhaps.
  curl -sS --max-time 20 --data-binary @large -H Expect: "$url/nowhere" >/dev/null 2>&1 || true
  get 200 "$url/"
  until_true lines_in_err 2
  err_is 'Rust_async.Rust_error: the body was read after its request was answered
Rust_async.Rust_error: the body was read after its request was answered'
  nothing_is_kept
}

lines_in_err() { [ "$(wc -l <err)" = "$1" ]; }

response_that_fails_in_the_middle_is_broken_off() {
  local status=0
  curl -sS --max-time 20 "$url/torn" >answer 2>/dev/null || status=$?
  [ $status = 18 ] || fail "curl: $status, not 18 (partial file)"
  answer_is 321
  err_is 'server: the body of a response: Failure("this stream always fails")'
  nothing_is_kept
}

slow_headers_are_given_up() { by_client; } # --header-timeout 0.5

# The server is the child of timeout(1).
upload_is_echoed_in_constant_memory() { by_client "$(tr -d ' ' <"/proc/$pid/task/$pid/children")"; }
requests_follow_one_another_on_a_connection() { by_client; }
pipelined_requests_are_answered_in_order() { by_client; }
body_is_streamed_both_ways() { by_client; }
client_that_goes_away_cancels_its_handler() { by_client; }
client_that_goes_away_in_its_upload_is_forgotten() { by_client; }
client_that_goes_away_in_its_download_is_forgotten() { by_client; }
slow_client_slows_down_nobody() { by_client; }

servers_one_after_the_other_leave_nothing() { timeout --signal=KILL 60 "$again" || fail "status $?"; }

port_that_is_taken_is_a_line_and_status_1() {
  local status=0
  timeout --signal=KILL 20 "$server" --port "$port" >answer 2>&1 || status=$?
  [ $status = 1 ] || fail "status $status"
  answer_is 'server: Address already in use (os error 98)'
}

sigterm_under_load_loses_no_request() {
  local loader
  "$client" load "$port" >answer &
  loader=$!
  until_true grep -qs 'under way' answer
  stop
  wait $loader || fail "see above"
  grep -q 'each answered' answer || fail "the client said nothing"
  ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || fail "somebody still listens"
  err_is ''
}

sigterm_waits_for_requests_and_idle_connections_do_not_hold_it_up() {
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  curl -sS --max-time 20 "$url/slow/1.5" >answer &
  local asker=$!
  until_true counts_are 'running 1,'
  stop
  wait $asker || fail "curl: $?"
  answer_is 'at last'
  exec 3>&-
}

sigterm_waits_no_longer_than_it_is_said_to() { # --grace 0.3
  local status=0 before=$EPOCHREALTIME
  curl -sS --max-time 20 "$url/slow/15" >answer 2>&1 &
  until_true counts_are 'running 1,'
  stop
  wait $! || status=$?
  [ $status = 52 ] || fail "curl: $status, not 52 (empty reply)"
  awk "BEGIN { exit !($EPOCHREALTIME - $before < 5) }" || fail "it took as long as the handler"
}

if command -v curl >/dev/null; then
  law handler_answers_what_it_is_asked
  law handler_that_raises_is_500_and_a_line
  law panic_in_rust_is_500_and_a_line
  law rust_that_a_handler_calls_has_the_programs_tokio
  law malformed_request_is_400
  law headers_beyond_the_limit_are_431 --max-header 10000
  law body_beyond_the_limit_is_413 --max-body 100000
  law body_that_nobody_wants_is_left
  law response_that_fails_in_the_middle_is_broken_off
  law sigterm_waits_for_requests_and_idle_connections_do_not_hold_it_up
  law sigterm_waits_no_longer_than_it_is_said_to --grace 0.3
elif [ -n "${CI-}" ]; then
  fail "curl is not installed"
else
  echo "skipped: what is asked with curl, which is not installed"
fi
law requests_follow_one_another_on_a_connection
law pipelined_requests_are_answered_in_order
law body_is_streamed_both_ways
law upload_is_echoed_in_constant_memory --max-body 200000000
law client_that_goes_away_cancels_its_handler
law client_that_goes_away_in_its_upload_is_forgotten
law client_that_goes_away_in_its_download_is_forgotten
law slow_client_slows_down_nobody --max-body 200000000
law slow_headers_are_given_up --header-timeout 0.5
law sigterm_under_load_loses_no_request
law port_that_is_taken_is_a_line_and_status_1
law servers_one_after_the_other_leave_nothing
