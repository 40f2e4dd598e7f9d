#!/usr/bin/env bash
# Laws of the program:  test.sh EXECUTABLE. Each prints its name; the first that does not hold says why and ends it.
set -euo pipefail
export LC_ALL=C
checksum=$(realpath "$1")
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  for file in out err; do
    [ ! -s $file ] || { printf -- '--- %s\n' $file; head -n 20 $file | cat -v; } >&2
  done
  exit 1
}
law() {
  printf '%s\n' "$1"
  rm -f out err
  "$1"
}
# run EXPECTED_STATUS ARGUMENT…: leaves `out`, `err` and, in seconds, `elapsed`. Whatever hangs is a failure.
run() {
  local expected=$1 status=0 before=$EPOCHREALTIME
  shift
  timeout --kill-after=1 20 "$checksum" "$@" >out 2>err || status=$?
  elapsed=$(awk "BEGIN { print $EPOCHREALTIME - $before }")
  [ "$status" = "$expected" ] || fail "status $status, not $expected: checksum $*"
}
at_most() { awk "BEGIN { exit !($elapsed <= $1) }" || fail "took $elapsed s, not at most $1"; }
out_is() { cmp -s "$1" out || fail "stdout differs: $(diff -a "$1" out | head -n 10 | cat -v)"; }
err_is() { [ "$(cat err)" = "$1" ] || fail "stderr is not: $1"; }
whole_lines() { # whole_lines FILE
  [ -z "$(tail -c 1 "$1")" ] || fail "the last line of $1 has no end"
  ! grep -aqvE '^\\?[0-9a-f]{64}  .+$' "$1" || fail "half a line in $1"
}
until_true() {
  for _ in {1..500}; do
    if "$@"; then return; fi
    sleep 0.02
  done
  fail "waited in vain: $*"
}
# Gives each FIFO a writer that says nothing, and waits until the program reads them all: an open of one end waits for the
# other. Called when the program runs.
begun() {
  local fifo
  for fifo; do
    rm -f "opened.$fifo"
    (exec 4>"$fifo" && : >"opened.$fifo" && exec sleep 30) &
  done
  for fifo; do until_true test -e "opened.$fifo"; done
}
# The regular files of a folder in the order of a walk: by name within each folder, so `/` comes before every byte.
in_walk_order() { find "$1" -type f -print0 | tr / '\001' | sort -z | tr '\001' /; }

make_tree() {
  mkdir -p tree/folder/deep tree/'a folder with spaces' tree/empty_folder
  echo a >tree/a
  : >tree/empty
  echo hidden >tree/.hidden
  echo b >tree/folder-and-more
  echo c >tree/folder/c
  echo d >tree/folder/deep/'*'
  echo e >tree/'a folder with spaces'/' '
  echo f >tree/$'new\nline'
  echo g >tree/'back\slash'
  echo h >tree/$'carriage\rreturn'
  echo i >tree/$'not UTF-8: \xff\xfe'
  echo j >tree/'früh'
  head -c 20000000 /dev/urandom >tree/folder/large
  mkfifo tree/fifo
  ln -s a tree/link
  ln -s folder tree/link_to_folder
  ln -s nowhere tree/dangling
}

output_is_that_of_sha256sum_in_walk_order() {
  in_walk_order tree | xargs -0 sha256sum >expected
  for jobs in 1 2 8; do
    run 0 --jobs $jobs tree
    out_is expected
    err_is ''
  done
  run 0 tree/
  out_is expected
  run 0 -- "$PWD/tree"
  in_walk_order "$PWD/tree" | xargs -0 sha256sum >expected
  out_is expected
}

output_is_accepted_by_sha256sum() {
  run 0 tree
  sha256sum --check --strict --status out || fail "sha256sum -c refuses it"
}

order_is_that_of_the_command_line() {
  sha256sum tree/folder/large tree/empty tree/a tree/empty >expected
  run 0 --jobs=4 tree/folder/large tree/empty tree/a tree/empty
  out_is expected
}

more_files_than_may_wait_are_all_hashed() {
  mkdir many
  (cd many && seq 1500 | split -l 1 -a 4)
  in_walk_order many | xargs -0 sha256sum >expected_many
  run 0 many
  out_is expected_many
}

unreadable_file_is_one_line_and_status_1() {
  sha256sum tree/a tree/empty tree/link >expected
  run 1 tree/a missing tree/empty tree/dangling tree/link tree/link_to_folder $'bad\nname'
  out_is expected
  err_is 'checksum: missing: No such file or directory
checksum: tree/dangling: No such file or directory
checksum: tree/link_to_folder: Is a directory
checksum: "bad\nname": No such file or directory'
}

unreadable_folder_is_one_line_and_status_1() {
  # Nothing is unreadable to root.
  [ "$(id -u)" != 0 ] || return 0
  mkdir locked
  chmod 0 locked
  sha256sum tree/a >expected
  run 1 locked tree/a
  out_is expected
  err_is 'checksum: locked: Permission denied'
}

full_disk_is_one_line_and_status_1() {
  local status=0
  timeout 20 "$checksum" many >/dev/full 2>err || status=$?
  [ $status = 1 ] || fail "status $status"
  err_is 'checksum: standard output: No space left on device'
}

timeout_drops_what_runs_and_keeps_what_is_done() {
  # Nobody writes to the FIFO: a thread of Tokio's is stuck in open(2), and must not hold up the exit.
  sha256sum tree/a tree/empty tree/folder/c >expected
  run 124 --jobs 2 --timeout 0.5 tree/a tree/fifo tree/empty tree/folder/c
  at_most 1.4
  out_is expected
  err_is 'checksum: timed out after 0.5 s, cancelled: 1 file'
}

timeout_in_vain_changes_nothing() {
  sha256sum tree/a >expected
  run 0 --timeout=100 tree/a
  out_is expected
  err_is ''
}

timeout_leaves_whole_lines() {
  for timeout in 0.005 0.01 0.02 0.03 0.05; do
    timeout 20 "$checksum" --timeout $timeout many tree/fifo >out 2>err || true
    whole_lines out
    [ -z "$(comm -13 <(sort expected_many) <(sort out))" ] || fail "a line that is not of the whole output"
  done
}

timeout_ends_a_program_whose_output_nobody_reads() {
  local status=0 before=$EPOCHREALTIME
  mkfifo pipe
  exec 3<>pipe
  timeout --kill-after=1 20 "$checksum" --timeout 0.3 many >pipe 2>err || status=$?
  elapsed=$(awk "BEGIN { print $EPOCHREALTIME - $before }")
  [ $status = 124 ] || fail "status $status"
  at_most 4
  # No byte comes after the last one: a reader that would wait for more is stopped.
  timeout 0.2 cat <&3 >out || true
  exec 3>&-
  whole_lines out
  # The message has nowhere to go either.
  status=0
  exec 3<>pipe
  timeout --kill-after=1 20 "$checksum" --timeout 0.3 missing many >pipe 2>&1 || status=$?
  exec 3>&-
  [ $status = 124 ] || fail "status $status"
}

interrupt_drops_what_runs_and_keeps_what_is_done() {
  local status=0 before pid
  sha256sum tree/a >expected
  mkfifo fifo1 fifo2 fifo3
  "$checksum" --jobs 2 tree/a fifo1 fifo2 fifo3 >out 2>err &
  pid=$!
  begun fifo1 fifo2
  until_true test -s out
  before=$EPOCHREALTIME
  kill -INT $pid
  wait $pid || status=$?
  elapsed=$(awk "BEGIN { print $EPOCHREALTIME - $before }")
  [ $status = 130 ] || fail "status $status"
  at_most 0.9
  out_is expected
  err_is 'checksum: interrupted, cancelled: 2 files'
}

interrupt_may_come_twice() {
  for _ in {1..10}; do
    local status=0 pid
    rm -f out
    "$checksum" tree/a fifo1 >out 2>err &
    pid=$!
    begun fifo1
    until_true test -s out
    kill -INT $pid
    kill -INT $pid 2>/dev/null || true
    wait $pid || status=$?
    [ $status = 130 ] || fail "status $status"
    err_is 'checksum: interrupted, cancelled: 1 file'
  done
}

jobs_bounds_what_is_open_at_a_time() {
  local name pid
  for name in 1 2 3 4; do
    mkfifo pipe$name
    # A writer opens its end when the program opens the other one.
    (
      exec 4>pipe$name
      : >opened$name
      until [ -e release$name ]; do sleep 0.02; done
      echo $name >&4
    ) &
    echo "$(echo $name | sha256sum | cut -d' ' -f1)  pipe$name"
  done >expected
  "$checksum" --jobs 2 pipe1 pipe2 pipe3 pipe4 >out 2>err &
  pid=$!
  until_true test -e opened1
  until_true test -e opened2
  sleep 0.2
  if [ -e opened3 ] || [ -e opened4 ]; then fail "more than two at a time"; fi
  : >release2
  until_true test -e opened3
  sleep 0.2
  [ ! -e opened4 ] || fail "more than two at a time"
  [ ! -s out ] || fail "the second line came before the first"
  : >release1 >release3 >release4
  wait $pid || fail "status $?"
  out_is expected
}

progress_is_drawn_on_a_terminal_only() {
  sha256sum tree/folder/large >expected
  script -qec "'$checksum' tree/folder/large >out" terminal </dev/null >/dev/null || fail "status $?"
  out_is expected
  grep -aq $'\r\[[#-]*\] ./1.* files, ' terminal || fail "no bar: $(cat -v terminal)"
  run 0 tree/folder/large
  out_is expected
  err_is ''
}

ctrl_c_at_a_terminal_is_an_interrupt() {
  local status=0
  (begun fifo1 && until_true test -s out && printf '\003') |
    script -qec "'$checksum' tree/a fifo1 >out" terminal >/dev/null || status=$?
  [ $status = 130 ] || fail "status $status: $(cat -v terminal)"
  grep -aq 'interrupted, cancelled: 1 file' terminal || fail "not said: $(cat -v terminal)"
}

wrong_command_line_is_status_2() {
  run 2
  err_is 'checksum: no PATH given
usage: checksum [--jobs N] [--timeout SECONDS] [--] PATH...'
  for wrong in --jobs=0 --jobs=many --jobs --timeout=0 --timeout=-1 --timeout=nan --timeout=soon --wrong -; do
    run 2 tree/a $wrong
    [ ! -s out ] || fail "output in spite of $wrong"
    [ "$(wc -l <err)" = 2 ] || fail "more than a line and the usage: $wrong"
  done
  run 0 --help
  err_is ''
  grep -q '^usage: ' out || fail "no help"
  run 1 -- --help
  err_is 'checksum: --help: No such file or directory'
}

make_tree
law output_is_that_of_sha256sum_in_walk_order
law output_is_accepted_by_sha256sum
law order_is_that_of_the_command_line
law more_files_than_may_wait_are_all_hashed
law unreadable_file_is_one_line_and_status_1
law unreadable_folder_is_one_line_and_status_1
law full_disk_is_one_line_and_status_1
law timeout_drops_what_runs_and_keeps_what_is_done
law timeout_in_vain_changes_nothing
law timeout_leaves_whole_lines
law timeout_ends_a_program_whose_output_nobody_reads
law interrupt_drops_what_runs_and_keeps_what_is_done
law interrupt_may_come_twice
law jobs_bounds_what_is_open_at_a_time
if command -v script >/dev/null; then
  law progress_is_drawn_on_a_terminal_only
  law ctrl_c_at_a_terminal_is_an_interrupt
else
  echo "skipped: script(1), which gives a program a terminal, is not installed"
fi
law wrong_command_line_is_status_2
