#!/usr/bin/env bash
# Faults that are made on purpose, a line of the bridge's each: the fuzzer has to find every one, within ten minutes. Ends with a
# table.
#
#   test/fuzz/mutations.sh            all of them
#   test/fuzz/mutations.sh NAME…      some
#   LIMIT=600                         seconds for each, without its build
#
# Each is the text of a line and what comes in its place. A text that is not there exactly once ends the script: the mutation has to be
# written anew.
set -euo pipefail
. "$(dirname "$0")/../../scripts/env.sh"

limit=${LIMIT:-600}
copy=${TMPDIR:-/tmp}/ocaml-lwt-interop-mutations
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_INCREMENTAL=true \
  CARGO_PROFILE_RELEASE_OPT_LEVEL=1

core=rust/ocaml-lwt-interop/src
# One time in so many: what fails always is found by anything.
now_and_then() { printf '{ static N: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1); N.fetch_add(1, std::sync::atomic::Ordering::Relaxed) %% %d == 0 }' "$1"; }

# name, file, line, what comes in its place
mutations=(
  wake_dropped "$core/wake/mod.rs"
  '            Notify::Write => self.descriptor.write(),'
  "            Notify::Write if $(now_and_then 100) => {}
            Notify::Write => self.descriptor.write(),"

  signal_before_the_queue "$core/wake/mod.rs"
  '        let Some(mut incoming) = self.incoming.lock() else {
            std::mem::forget(runnable);'
  '        self.signal();
        if true { if let Some(mut incoming) = self.incoming.lock() { incoming.queue.push(runnable); } return Ok(()); }
        let Some(mut incoming) = self.incoming.lock() else {
            std::mem::forget(runnable);'

  root_freed_early "$core/caml/root.rs"
  '        if is_immediate(v) {
            return Root::Immediate(v);'
  "        if is_immediate(v) || $(now_and_then 500) {
            return Root::Immediate(v);"

  settlement_skipped "$core/rust_to_lwt/settle.rs"
  '    let converted = convert(scope, ending);
    settle_with(scope, resolver, converted);'
  "    let converted = convert(scope, ending);
    if $(now_and_then 300) { return; }
    settle_with(scope, resolver, converted);"

  future_not_woken "$core/lwt_to_rust/subscription.rs"
  '        if let Some(index) = index {
            forget_index(at, index);
        }
        if let Some(waker) = waker {'
  "        if let Some(index) = index {
            forget_index(at, index);
        }
        if $(now_and_then 300) { return; }
        if let Some(waker) = waker {"

  key_not_bound "$core/storage.rs"
  '        if self.0.is_none() && (Storage::is_nothing_bound(scope) || is_bare()) {'
  '        if is_bare() || !Storage::is_nothing_bound(scope) || self.0.is_none() {'

  backtrace_not_restored_at_once ocaml/rust_to_lwt.ml
  'let failed exn backtrace =
  restore_backtrace exn backtrace;'
  'let failed exn _ =
  restore_backtrace exn None;'

  no_limit_of_polls_in_a_tick "$core/executor/tick.rs"
  '            && (polls >= budget.polls || !local.escaped.borrow().is_empty() || clock.is_over())'
  '            && ((polls >= budget.polls || clock.is_over()) && !local.escaped.borrow().is_empty())'

  no_limit_of_answers_in_a_row "$core/rust_to_lwt/window.rs"
  'self.task == Task::ForOCaml && self.in_a_row < MOST_IN_A_ROW;'
  'self.task == Task::ForOCaml && self.in_a_row < u32::MAX - MOST_IN_A_ROW;'

  cancellation_not_forwarded_to_rust "$core/exports/waits.rs"
  '            scope.home().cancel(scope, key);'
  '            let _ = key;'

  cancellation_not_forwarded_to_ocaml "$core/lwt_to_rust/subscription.rs"
  '            queue_release(self.home, index, cancel);'
  '            queue_release(self.home, index, cancel && false);'

  object_not_counted "$core/objects/cell.rs"
  '        blocks.count += 1;'
  "        if !$(now_and_then 10) { blocks.count += 1; }"

  lent_array_not_given_back "$core/caml/loan.rs"
  '    pub(crate) fn restore_later(self) -> bool {
        if self.rank == 0 {'
  "    pub(crate) fn restore_later(self) -> bool {
        if self.rank == 0 || $(now_and_then 5) {"

  panic_not_caught "$core/panic.rs"
  '    std::panic::catch_unwind(f).map_err(|payload| Panic {'
  '    Ok::<R, Box<dyn std::any::Any + Send>>(f()).map_err(|payload| Panic {'

  items_out_of_order "$core/rust_to_lwt/buffer.rs"
  '        self.items.push_back(item);'
  '        if self.items.len() == 5 { self.items.push_front(item); } else { self.items.push_back(item); }'

  item_lost ocaml/reader.ml
  '          reader.begun <- None;
          reader.taken <- reader.taken + 1'
  '          reader.begun <- None;
          reader.taken <- reader.taken + 1 + if reader.taken + 2 = Obj.size reader.items then 1 else 0'

  tick_in_the_middle_of_a_cancel "$core/exports/waits.rs"
  '            Tick::InTheNextTurn => scope.home().arm_if_needed(scope, false),'
  '            Tick::InTheNextTurn => scope.home().tick_if_outermost(scope),'

  exception_copied ocaml/rust_to_lwt.ml
  'let reject (promise, resolver) exn backtrace ='
  'let reject (promise, resolver) exn backtrace =
  let exn = if Obj.size (Obj.repr exn) = 2 then (Obj.obj (Obj.dup (Obj.repr exn)) : exn) else exn in'

  # The rest needs a program whose main is Rust's.
  host_told_of_another_end "$core/host/life.rs"
  '            let is_first = matches!(stage, Stage::Initialising | Stage::Running);'
  '            let is_first = true;'

  hooks_skipped_in_a_host ocaml/host.ml
  '  run_exit_hooks 1000;
  try Executor'
  '  if Sys.opaque_identity false then run_exit_hooks 1000;
  try Executor'

  loop_goes_on_when_another_thread_exits ocaml/host.ml
  '  if has_ended () then raise Exited'
  '  ignore (has_ended : unit -> bool)'

  call_of_an_interface_not_cancelled "$core/interface/functions.rs"
  '        let call = function.call(arguments);
        Box::pin'
  '        let call = function.call(arguments).protected();
        Box::pin'

  name_of_what_is_provided_ignored "$core/interface/table.rs"
  'all.as_ref().and_then(|all| all.get(&key)).cloned();'
  'all.as_ref().and_then(|all| all.iter().find(|all| all.0.0 == key.0)).map(|found| found.1.clone());'
)

# replaced FILE OLD NEW, in the copy
replaced() {
  local text rest
  text=$(cat "$copy/$1" && printf .)
  rest=${text#*"$2"}
  if [ "$rest" = "$text" ] || [ "${rest#*"$2"}" != "$rest" ]; then
    die "this text is not there exactly once in $1, so the mutation has to be written anew:" "$2"
  fi
  text=${text/"$2"/"$3"}
  printf %s "${text%.}" >"$copy/$1"
}

host=$copy/target/debug/fuzz-host
build() { (cd "$copy" && dune build --root . ./test/fuzz/fuzz.exe 2>&1 && cargo build --quiet --target-dir target -p fuzz-host 2>&1); }

heading "a copy of the sources in $copy"
mkdir -p "$copy"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -x -C "$copy"
build || die "the copy does not build"

wanted() { [ $# = 1 ] || { local name=$1 one; shift; for one; do [ "$one" = "$name" ] && return; done; return 1; }; }

table=() missed=0
for ((i = 0; i < ${#mutations[@]}; i += 4)); do
  name=${mutations[i]} file=${mutations[i + 1]}
  if [ $# -gt 0 ] && ! wanted "$name" "$@"; then continue; fi
  heading "$name"
  replaced "$file" "${mutations[i + 2]}" "${mutations[i + 3]}"
  build || die "$name does not build"
  started=$SECONDS
  fuzz=$copy/_build/default/test/fuzz/fuzz.exe
  if found=$("$fuzz" --host "$host" --no-shrink --limit 20 --seconds "$limit" 2>&1); then
    result="NOT FOUND" why= missed=$((missed + 1))
  else
    result="$((SECONDS - started)) s"
    why=$(printf '%s\n' "$found" | sed -n 's/^FAILED: seed [0-9]*//p' | head -n 1 | cut -c 1-110)
  fi
  printf '%s: %s%s\n' "$name" "$result" "$why" >&2
  table+=("$(printf '%-40s %-10s %s' "$name" "$result" "$why")")
  cp "$file" "$copy/$file"
done

heading "mutations"
printf '%-40s %-10s %s\n' mutation "found in" how
printf '%s\n' "${table[@]}"
[ "$missed" = 0 ]
