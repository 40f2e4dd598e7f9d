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
        }'
  '        struct Late<'"'"'a>(&'"'"'a WakeState);
        impl Drop for Late<'"'"'_> {
            fn drop(&mut self) { let _ = self.0.wake_up(); }
        }
        let _late = Late(&self.state);'

  awake_taken_for_notified what_two_threads_send "$core/wake/state.rs"
  '        if self.is_notified() {'
  '        if self.0.load(Ordering::Acquire) != ASLEEP {'

  asleep_whatever_came what_two_threads_send "$core/wake/state.rs"
  '            Err(_) => Sleep::Refused,'
  '            Err(_) => { self.0.store(ASLEEP, Ordering::Release); Sleep::Asleep }'

  closed_looked_at_before_the_lock a_task_of_another_thread_beside_shutdown "$core/wake/mod.rs"
  '        if incoming.closed && !always {
            drop(incoming);
            return Err(runnable);
        }'
  '        let closed = incoming.closed;
        drop(incoming);
        if closed && !always {
            return Err(runnable);
        }
        let mut incoming = self.incoming.lock().unwrap();'

  call_taken_after_shutdown a_call_beside_shutdown "$core/wake/mod.rs"
  '        incoming.closed = true;'
  ''

  end_refused_after_shutdown a_call_beside_shutdown "$core/wake/mod.rs"
  '        if incoming.closed && !always {'
  '        if incoming.closed {'

  end_refused_at_home_after_shutdown an_end_that_is_queued_at_home "$core/home/sending.rs"
  '            Status::ShutDown => !runnable.is_an_end(),'
  '            Status::ShutDown => true,'

  executor_that_stays_closed a_worker_that_ends "$core/home/sending.rs"
  '        local.closed.set(false);'
  ''

  queue_lost_when_it_is_closed a_task_of_another_thread_beside_shutdown "$core/executor/end.rs"
  '    local.queue.borrow_mut().extend(came);'
  '    drop(came);'

  calls_that_borrow_not_looked_at an_object_that_is_closed_elsewhere "$core/objects/cell.rs"
  '            if self.borrows.load(Ordering::Relaxed) > 0 {'
  '            if false {'

  object_let_go_without_lwts_lock an_object_that_is_closed_elsewhere "$core/objects/cell.rs"
  '            if !holds_lwts_lock() {'
  '            if false {'

  object_not_looked_at_after_the_last_call an_object_that_is_closed_elsewhere "$core/objects/cell.rs"
  '        match borrows == 0 && self.must_look.load(Ordering::Relaxed) {'
  '        match borrows == 1 && self.must_look.load(Ordering::Relaxed) {'

  object_looked_at_before_the_last_call an_object_that_is_closed_twice "$core/objects/cell.rs"
  '        match borrows == 0 && self.must_look.load(Ordering::Relaxed) {'
  '        self.borrows.store(0, Ordering::Relaxed);
        match self.must_look.load(Ordering::Relaxed) {'

  object_let_go_though_a_block_is_left an_object_that_is_given_again "$core/objects/cell.rs"
  '        if blocks.count > 0 && !self.is_closed() {'
  '        if false {'

  collected_object_not_let_go an_object_whose_block_is_collected "$core/objects/cell.rs"
  '        if blocks.count == 0 {'
  '        if false {'

  closed_object_used_again an_object_that_is_closed_while "$core/objects/cell.rs"
  '        if blocks.user.is_none() && !self.is_closed() {'
  '        if blocks.user.is_none() {'

  object_sent_home_and_not_let_go an_object_that_is_closed_elsewhere "$core/objects/cell.rs"
  '            if let Some(blocks) = user.blocks.lock() {
                user.let_go(blocks);
            }'
  '            drop(user);'

  waker_not_replaced the_last_waker "$core/lwt_to_rust/slot.rs"
  '            std::mem::swap(old, &mut new);'
  '            if old.is_none() { std::mem::swap(old, &mut new); }'

  waker_put_beside_a_value the_last_waker "$core/lwt_to_rust/slot.rs"
  '        drop(state);
        self.poll_known(waker).expect("it was settled in between")'
  '        drop(state);
        Poll::Pending'

  settled_twice what_two_threads_settle "$core/lwt_to_rust/slot.rs"
  '            State::Settled(_) | State::Closed { .. } => Err(value),'
  '            State::Settled(_) => { *state = State::Settled(value); Ok(Woken { waker: None, index: None }) }
            State::Closed { .. } => Err(value),'

  value_dropped_under_the_lock a_value_beside_the_drop "$core/lwt_to_rust/slot.rs"
  '        // What `before` holds of the user'"'"'s is dropped at the end of this function.
        drop(state);
        match before {
            State::Waiting { index, .. } => index,
            State::Settled(_) | State::Closed { .. } => None,
        }'
  '        match before {
            State::Waiting { index, .. } => index,
            State::Settled(value) => { drop(value); None }
            State::Closed { .. } => None,
        }'

  pile_pushed_relaxed whatever_is_pushed "$core/caml/pile.rs"
  '.compare_exchange_weak(head, node, Ordering::Release, Ordering::Relaxed)'
  '.compare_exchange_weak(head, node, Ordering::Relaxed, Ordering::Relaxed)'

  pile_taken_relaxed whatever_is_pushed "$core/caml/pile.rs"
  '        let mut node = self.head.swap(null_mut(), Ordering::AcqRel);'
  '        let mut node = self.head.swap(null_mut(), Ordering::Relaxed);'

  pile_that_is_done_when_it_is_taken who_finds_it_done "$core/caml/pile.rs"
  '        self.is_busy.store(true, Ordering::Relaxed);'
  ''

  pile_that_is_finished_by_two_at_a_time who_finds_it_done "$core/caml/pile.rs"
  '        let Some(_alone) = self.finishing.lock() else {'
  '        let Some(_) = self.finishing.lock() else {'

  pile_that_is_done_out_of_order who_finds_it_done "$core/caml/pile.rs"
  '        self.head.load(Ordering::Acquire).is_null() && !self.is_busy.load(Ordering::Acquire)'
  '        !self.is_busy.load(Ordering::Acquire) && self.head.load(Ordering::Acquire).is_null()'

  pile_that_forgets_what_came_between whatever_is_pushed "$core/caml/pile.rs"
  '            unsafe { (*node).next = head };'
  ''

  pile_that_tells_nobody whatever_is_pushed "$core/caml/pile.rs"
  '        head.is_null()
    }

    #[inline]'
  '        false
    }

    #[inline]'

  gate_that_wakes_one threads_begin_when "$core/runtime/gate.rs"
  '        self.changed.notify_all();'
  '        self.changed.notify_one();'

  gate_that_fails_for_later_threads threads_begin_when "$core/runtime/gate.rs"
  '        if *self.lock() == State::Closed {'
  '        if true {'

  gate_that_keeps_what_was_given_up threads_end_when "$core/runtime/gate.rs"
  '        while *state == State::Closed {'
  '        while *state != State::Open {'

  refused_thread_counted_among_the_free a_thread_that_comes "$core/lwt_to_rust/blocking_queue.rs"
  'self.threads.len().saturating_sub(self.busy);'
  'self.threads.len().wrapping_sub(self.busy);'

  no_thread_wanted_for_the_second_call a_thread_that_comes "$core/lwt_to_rust/blocking_queue.rs"
  '            queue.calls.push_back(call);
            Queued {
                wanted: queue.wanted(limit),'
  '            let wanted = queue.wanted(limit);
            queue.calls.push_back(call);
            Queued {
                wanted,'

  blocking_threads_not_told_of_the_end calls_are_run_by_as_many "$core/lwt_to_rust/blocking_queue.rs"
  '        self.came.notify_all();'
  ''

  blocking_threads_not_told_of_a_call calls_that_are_more_than_threads "$core/lwt_to_rust/blocking_queue.rs"
  '        self.came.notify_one();'
  ''

  call_queued_after_the_end calls_beside_the_end "$core/lwt_to_rust/blocking_queue.rs"
  '        let waiting = std::mem::take(&mut self.lock().calls);'
  '        let waiting = VecDeque::<C>::new();'

  end_does_not_wait_for_calls calls_beside_the_end "$core/lwt_to_rust/blocking_queue.rs"
  '        while queue.busy > 0 && !left().is_zero() {'
  '        while queue.busy > 1 && !left().is_zero() {'

  answers_not_told calls_beside_the_end "$core/lwt_to_rust/blocking_queue.rs"
  '        self.answered.notify_all();'
  ''

  task_freed_before_what_others_did_is_seen the_last_reference_may_go "$core/tasks/reference.rs"
  'references.fetch_sub(1, Ordering::Release) != 1'
  'references.fetch_sub(1, Ordering::Relaxed) != 1'

  task_alone_without_what_others_did the_last_reference_may_go "$core/tasks/reference.rs"
  '    fn is_alone(&self) -> bool {
        self.count().references.load(Ordering::Acquire) == 1'
  '    fn is_alone(&self) -> bool {
        self.count().references.load(Ordering::Relaxed) == 1'

  borrow_of_what_is_closed what_rust_closes_on_a_thread "$core/objects/borrowed.rs"
  '        if shared.is_closed() {'
  '        if false {'
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
    result=$(printf '%s\n' "$found" | grep -A 1 -m 1 'panicked at' | tail -n 1 | sed 's/; threads.*//' | cut -c 1-70) || true
    # A fault of memory ends it as well.
    result=${result:-$(printf '%s\n' "$found" | grep -o -m 1 'signal: .*' || echo 'it failed, or did not end')}
  fi
  printf '%s: %s\n' "$name" "$result" >&2
  table+=("$(printf '%-46s %s' "$name" "$result")")
  cp "$file" "$copy/$file"
done

heading "mutations"
printf '%-46s %s\n' mutation "found as"
printf '%s\n' "${table[@]}"
[ "$missed" = 0 ]
