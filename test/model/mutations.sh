#!/usr/bin/env bash
# Faults that are made on purpose in the protocols between threads, one at a time: the model has to find every one. Ends with a table.
# As test/fuzz/mutations.sh, for the model checker.
#
#   test/model/mutations.sh            all of them
#   test/model/mutations.sh NAME…      some
#
# Each is the model's test that has to fail, the text of a line and what comes in its place. A text that is not there exactly once
# ends the script: the mutation has to be written anew.
set -euo pipefail
. "$(dirname "$0")/../../scripts/env.sh"

copy=${TMPDIR:-/tmp}/ocaml-lwt-interop-model-mutations
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_INCREMENTAL=true
export RUSTFLAGS="--cfg loom"

core=rust/ocaml-lwt-interop/src

# name, the test, file, line, what comes in its place
mutations=(
  worker_not_noted_as_idle every_job_is_run_once "$core/domain_pool/queue.rs"
  '                state.idle.push(home);'
  ''

  job_left_to_a_worker_that_is_busy a_job_waits_for_no_worker "$core/domain_pool/queue.rs"
  '        let other = if state.jobs.is_empty() {'
  '        let other = if true {'

  idle_not_woken_by_close who_waits_for_the_last_worker "$core/domain_pool/queue.rs"
  '        for home in idle {'
  '        for home in idle.into_iter().skip(1) {'

  job_taken_after_the_last_worker a_job_beside_close_is_run "$core/domain_pool/queue.rs"
  '        if state.phase != Phase::Open {'
  '        if state.phase != Phase::Open && false {'

  end_of_the_pool_not_told who_waits_for_the_last_worker "$core/domain_pool/queue.rs"
  '        wakers.into_iter().for_each(Waker::wake);'
  '        drop(wakers);'

  end_of_the_pool_not_told_to_who_blocks every_job_is_run_once "$core/domain_pool/queue.rs"
  '        self.left.notify_all();'
  ''

  waiting_jobs_taken_for_empty a_job_that_is_given_up "$core/domain_pool/queue.rs"
  '.partition(|job| job.is_waiting());'
  '.partition(|job| !job.is_waiting());'

  job_that_runs_given_up_and_not_asked_to_end a_job_that_runs_is_asked "$core/domain_pool/job.rs"
  '        let body = self.take_body(|| State::Over);
        if body.is_none() {'
  '        let body = self.take_body(|| State::Over);
        if body.is_some() {'

  job_that_begins_meanwhile_not_asked_to_end a_job_that_runs_is_asked "$core/domain_pool/job.rs"
  '            self.settle(Err(error));
        } else {
            self.cancel();
        }'
  '            self.settle(Err(error));
        }'

  job_asked_to_end_and_not_woken a_job_that_runs_is_asked "$core/domain_pool/job.rs"
  '        drop(state);
        home.wake.signal();'
  '        drop(state);
        let _ = home;'

  wake_before_the_queue what_two_threads_send "$core/wake/mod.rs"
  '        incoming.queue.push(runnable);
        drop(incoming);
        self.signal();'
  '        drop(incoming);
        self.signal();
        if let Some(mut incoming) = self.incoming.lock() { incoming.queue.push(runnable); }'

  awake_only_after_the_queue_was_taken what_two_threads_send "$core/wake/mod.rs"
  '        if self.state.wake_up() == Found::Empty {
            return;
        }
        if let Some(mut incoming) = self.incoming.lock() {
            let came = std::mem::take(&mut incoming.queue);
            drop(incoming);
            into.extend(came);
        }'
  '        if let Some(mut incoming) = self.incoming.lock() {
            let came = std::mem::take(&mut incoming.queue);
            drop(incoming);
            into.extend(came);
        }
        let _ = self.state.wake_up();'

  asleep_whatever_came what_two_threads_send "$core/wake/state.rs"
  '            Err(_) => Sleep::Refused,'
  '            Err(_) => { self.0.store(ASLEEP, Ordering::Release); Sleep::Asleep }'

  closed_looked_at_before_the_lock a_wake_beside_shutdown "$core/wake/mod.rs"
  '        if incoming.closed && !runnable.is_an_end() {
            drop(incoming);
            return Err(runnable);
        }'
  '        let closed = incoming.closed;
        drop(incoming);
        if closed && !runnable.is_an_end() {
            return Err(runnable);
        }
        let mut incoming = self.incoming.lock().unwrap();'

  call_taken_after_shutdown a_call_beside_shutdown "$core/wake/mod.rs"
  '        incoming.closed = true;'
  ''

  end_refused_after_shutdown a_call_beside_shutdown "$core/wake/mod.rs"
  '        if incoming.closed && !runnable.is_an_end() {'
  '        if incoming.closed {'

  end_refused_at_home_after_shutdown an_end_that_is_queued_at_home "$core/home/sending.rs"
  '            Status::ShutDown => !runnable.is_an_end(),'
  '            Status::ShutDown => true,'

  executor_that_stays_closed a_worker_that_ends "$core/home/sending.rs"
  '        local.closed.set(false);'
  ''

  queue_lost_when_it_is_closed a_wake_beside_shutdown "$core/executor/end.rs"
  '    local.queue.borrow_mut().extend(came);'
  '    drop(came);'
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

cargo_test() { (cd "$copy" && timeout 300 cargo test --release -p interop-model "$@" 2>&1); }

heading "a copy of the sources in $copy"
mkdir -p "$copy"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -x -C "$copy"
cargo_test --no-run >&2 || die "the copy does not build"

wanted() { [ $# = 1 ] || { local name=$1 one; shift; for one; do [ "$one" = "$name" ] && return; done; return 1; }; }

table=() missed=0
for ((i = 0; i < ${#mutations[@]}; i += 5)); do
  name=${mutations[i]} test=${mutations[i + 1]} file=${mutations[i + 2]}
  wanted "$name" "$@" || continue
  heading "$name"
  replaced "$file" "${mutations[i + 3]}" "${mutations[i + 4]}"
  cargo_test --no-run >"$copy/built" || { cat "$copy/built" >&2 && die "$name does not build"; }
  if found=$(cargo_test "$test"); then
    result="NOT FOUND" missed=$((missed + 1))
  else
    # A deadlock, most often, or what an assertion says: the line after the one that says where.
    result=$(printf '%s\n' "$found" | grep -A 1 -m 1 'panicked at' | tail -n 1 | sed 's/; threads.*//' | cut -c 1-70)
  fi
  printf '%s: %s\n' "$name" "$result" >&2
  table+=("$(printf '%-46s %s' "$name" "$result")")
  cp "$file" "$copy/$file"
done

heading "mutations"
printf '%-46s %s\n' mutation "found as"
printf '%s\n' "${table[@]}"
[ "$missed" = 0 ]
