(* Cancellation goes through the bridge both ways, and leaves nothing behind. *)

open Lwt.Syntax
open Law
open Probe

type endless = Rust_half.endless = Nothing | TokioTimer | Promise | ProtectedPromise | Task | TokioTask | Yields
type how = Rust_half.how = Drop | DropOnThread | Race | Select | Timeout | Abort

let endless = Rust_half.Cancel.cancel_endless
let from_within = Rust_half.Cancel.cancel_from_within
let detached = Rust_half.Cancel.cancel_detached
let settled_later = Rust_half.Cancel.cancel_settled_later
let chain = Rust_half.Cancel.cancel_chain
let give_up = Rust_half.Cancel.cancel_give_up
let give_up_call = Rust_half.Cancel.cancel_give_up_call
let on_the_way = Rust_half.Cancel.cancel_on_the_way
let on_the_way_of_a_call = Rust_half.Cancel.cancel_on_the_way_of_a_call
let unpolled = Rust_half.Cancel.cancel_unpolled
let unawaited = Rust_half.Cancel.cancel_unawaited
let unpolled_call = Rust_half.Cancel.cancel_unpolled_call
let signal = Rust_half.Cancel.cancel_signal
let call_until_signal = Rust_half.Cancel.cancel_call_until_signal
let spin = Rust_half.Cancel.cancel_spin
let spins = Rust_half.Cancel.cancel_spins
let set_budget = Rust_half.Cancel.cancel_set_budget
let await_in = Rust_half.Matrix.matrix_promise
let call_in = Rust_half.Matrix.matrix_call

let rec turns n = if n = 0 then Lwt.return_unit else Lwt.bind (Lwt.pause ()) (fun () -> turns (n - 1))
let is_canceled promise = match Lwt.state promise with Lwt.Fail Lwt.Canceled -> true | _ -> false
let never () = fst (Lwt.task ())
let places = [ Domain; Tokio; Thread ]
let for_places laws = List.concat_map laws places

(* OCaml cancels what Rust does. *)

let ways =
  let by_pick promise = Lwt.pick [ promise; Lwt.pause () ] in
  let by_timeout promise =
    Lwt.catch
      (fun () -> Lwt_unix.with_timeout 0.001 (fun () -> promise))
      (function Lwt_unix.Timeout -> Lwt.return_unit | exn -> Lwt.fail exn)
  in
  let by_cancel promise =
    Lwt.cancel promise;
    Lwt.return_unit
  in
  let by_cancel_later promise =
    let* () = turns 3 in
    by_cancel promise
  in
  [
    ("by_lwt_cancel", by_cancel); ("by_a_later_lwt_cancel", by_cancel_later); ("by_lwt_pick", by_pick);
    ("by_with_timeout", by_timeout);
  ]
[@@ocamlformat "disable"]

let what_waits =
  [
    (Nothing, "for_nothing");
    (TokioTimer, "for_a_tokio_timer");
    (Promise, "for_a_promise");
    (ProtectedPromise, "for_a_protected_promise");
    (Task, "for_a_task");
    (TokioTask, "for_a_tokio_task");
    (Yields, "for_its_next_turn");
  ]

let drops =
  List.concat_map
    (fun (way, cancel) ->
      List.map
        (fun (what, waits) ->
          law (String.concat "/" [ "cancelled_promise_drops_future"; waits; way ]) (fun () ->
              now (begin_ ());
              let awaited = never () in
              let promise = endless what (fun () -> awaited) in
              let* () = cancel promise in
              check_bool "canceled" true (is_canceled promise);
              (* At the latest in the next tick. *)
              let* () = turns 1 in
              let ((polls, _, drops, misplaced) as counts) = read_counts () in
              if (drops, misplaced) <> (1, 0) then Alcotest.fail (describe counts);
              let* () = turns 3 in
              let later, _, _, _ = read_counts () in
              check_int "no poll after the drop" polls later;
              check_bool "the promise that was awaited" (what = Promise) (is_canceled awaited);
              Lwt.return_unit))
        what_waits)
    ways

let cancel_itself then_ =
  now (begin_ ());
  let promise = ref (never ()) and went_on = ref false in
  let call = from_within (fun () -> Lwt.cancel !promise) then_ (fun () -> went_on := true) in
  promise := call;
  let* ending = ending call in
  check_bool "canceled" true (ending = Error Lwt.Canceled);
  let* () = turns 3 in
  check_bool "went on" false !went_on;
  check (Exactly (2, if then_ > 0 then 2 else 1))

let cancels =
  [
    law "future_that_cancels_itself_is_dropped" (fun () -> cancel_itself 1);
    law "future_that_cancels_itself_and_is_ready_stays_canceled" (fun () -> cancel_itself 0);
    law "detached_future_runs_on" (fun () ->
        now (begin_ ());
        let resume, resumer = Lwt.wait () and ended = ref false in
        let promise = detached (fun () -> resume) (fun () -> ended := true) in
        Lwt.cancel promise;
        let* () = turns 3 in
        check_bool "canceled" true (is_canceled promise);
        let _, _, drops, _ = read_counts () in
        check_int "drops" 0 drops;
        Lwt.wakeup resumer ();
        let* () = check (Exactly (2, 1)) in
        check_bool "ended" true !ended;
        check_bool "still canceled" true (is_canceled promise);
        Lwt.return_unit);
    law "resolved_promise_is_not_cancelled" (fun () ->
        let promise = await_in Domain (Lwt.return 7) in
        Lwt.cancel promise;
        Lwt.map (check_int "value" 7) promise);
    law "destructor_may_cancel_another" (fun () ->
        now (begin_ ());
        let last = endless Nothing Lwt.return in
        let middle = chain (fun () -> Lwt.cancel last) in
        let first = chain (fun () -> Lwt.cancel middle) in
        Lwt.cancel first;
        let* () = turns 6 in
        check_bool "all" true (List.for_all is_canceled [ first; middle; last ]);
        let _, _, drops, misplaced = read_counts () in
        check_bool "dropped" true ((drops, misplaced) = (3, 0));
        Lwt.return_unit);
    law "thousand_cancelled_promises_drop_their_futures" (fun () ->
        now (begin_ ());
        let all = List.init 1000 (fun _ -> endless Nothing Lwt.return) in
        List.iter Lwt.cancel all;
        let* () = turns 1 in
        let polls, _, drops, _ = read_counts () in
        check_bool "polls and drops" true ((polls, drops) = (1000, 1000));
        Lwt.return_unit);
  ]
  @ for_places (fun place ->
        [
          law ("resolver_of_a_cancelled_promise_does_nothing/" ^ in_place place) (fun () ->
              now (begin_ ());
              let resume, resumer = Lwt.wait () in
              let promise = now (settled_later place (fun () -> resume)) in
              let* () = turns 3 in
              Lwt.cancel promise;
              Lwt.wakeup resumer ();
              let* () = check (if place = Domain then Exactly (2, 1) else Raced 1) in
              let* () = turns 3 in
              check_bool "still canceled" true (is_canceled promise);
              Lwt.return_unit);
        ])

(* Rust gives up what OCaml does. *)

let give_ups =
  [
    (Drop, "dropped");
    (DropOnThread, "dropped_on_another_thread");
    (Race, "lost_a_race");
    (Select, "not_selected");
    (Timeout, "timed_out");
    (Abort, "aborted");
  ]

let eventually_canceled promise =
  eventually "the promise" (fun () -> if is_canceled promise then "canceled" else "pending") "canceled"

let still_pending promise =
  let* () = turns 5 in
  check_bool "pending" true (Lwt.is_sleeping promise);
  Lwt.return_unit

let given_up =
  for_places (fun place ->
      List.concat_map
        (fun (how, name) ->
          let law name_ program = law (String.concat "/" [ name_; name; in_place place ]) program in
          [
            law "dropped_future_cancels_promise" (fun () ->
                let promise = never () in
                let* () = give_up place how false promise in
                eventually_canceled promise);
            law "dropped_protected_future_leaves_promise" (fun () ->
                let promise = never () in
                let* () = give_up place how true promise in
                still_pending promise);
            law "dropped_future_leaves_promise_that_cannot_be_cancelled" (fun () ->
                let promise, _ = Lwt.wait () in
                let* () = give_up place how false promise in
                still_pending promise);
            (* The future may be gone before it is polled, or before its call has come home: then there is none. *)
            law "dropped_call_cancels_its_promise" (fun () ->
                let promise = never () and called = ref false in
                let* () =
                  give_up_call place how false (fun () ->
                      called := true;
                      promise)
                in
                if !called then eventually_canceled promise else Lwt.return_unit);
            law "dropped_protected_call_leaves_its_promise" (fun () ->
                let promise = never () in
                let* () = give_up_call place how true (fun () -> promise) in
                still_pending promise);
          ])
        give_ups)

let on_the_way =
  let no_call name start =
    law name (fun () ->
        let called = ref false in
        now
          (start (fun () ->
               called := true;
               Lwt.return 7));
        let* () = turns 5 in
        check_bool "called" false !called;
        Lwt.return_unit)
  in
  [
    law "future_dropped_on_its_way_home_cancels_promise" (fun () ->
        let promise = never () in
        now (on_the_way promise false);
        let* () = turns 5 in
        check_bool "canceled" true (is_canceled promise);
        Lwt.return_unit);
    law "protected_future_dropped_on_its_way_home_leaves_promise" (fun () ->
        let promise = never () in
        now (on_the_way promise true);
        still_pending promise);
    no_call "call_dropped_on_its_way_home_is_not_made" on_the_way_of_a_call;
    no_call "call_that_is_never_polled_is_not_made" unpolled_call;
    law "exception_of_a_cancel_callback_reaches_the_hook" (fun () ->
        with_async_hook (fun told ->
            let promise = never () in
            Lwt.on_cancel promise (fun () -> raise (Refused "on cancel"));
            let* () = give_up Domain Drop false promise in
            let* () = eventually_canceled promise in
            check_string "told" "refused on cancel" (told ());
            Lwt.return_unit));
  ]
  @ for_places (fun place ->
        [
          law ("unpolled_future_cancels_promise/" ^ in_place place) (fun () ->
              let promise = never () in
              let* () = unpolled place promise false in
              eventually_canceled promise);
          law ("unpolled_protected_future_leaves_promise/" ^ in_place place) (fun () ->
              let promise = never () in
              let* () = unpolled place promise true in
              still_pending promise);
          law ("handle_that_is_not_awaited_leaves_promise/" ^ in_place place) (fun () ->
              let promise = never () in
              let* () = unawaited place promise in
              still_pending promise);
          law ("call_dropped_while_it_is_made_cancels_its_promise/" ^ in_place place) (fun () ->
              let promise = never () in
              let* () =
                call_until_signal place (fun () ->
                    now (signal ());
                    (* Time for the other thread to drop the future; should it need more, this is an ordinary drop. *)
                    Unix.sleepf 0.002;
                    promise)
              in
              eventually_canceled promise);
        ])

(* A wait that was given up leaves nothing behind on a promise that stays pending. *)

let live_words () =
  Gc.full_major ();
  (Gc.stat ()).live_words

let many = 100_000

let waits_leave_nothing name place how make_promise protected =
  law name (fun () ->
      let promise, n = make_promise in
      let rec wait n =
        if n = 0 then turns 2
        else
          let batch = min n 100 in
          let* () = Lwt.join (List.init batch (fun _ -> give_up place how protected promise)) in
          (* What was dropped is released in a tick. *)
          let* () = Lwt.pause () in
          wait (n - batch)
      in
      let* () = wait 1000 in
      let words = live_words () in
      let bytes = now (live_memory ()) in
      let* () = wait n in
      let* () = rust_keeps_little ~than:bytes n in
      let more = live_words () - words in
      (* Lwt takes removed callbacks off by the dozen. *)
      if more > (n / 10) + 500 then Alcotest.failf "OCaml keeps %d words more" more;
      check_int "subscriptions" 0 (Rust_async.stats ()).subscriptions;
      check_bool "pending" true (Lwt.is_sleeping promise);
      Lwt.return_unit)

(* A wait may leave a closure on a promise that cannot be cancelled, while such closures are few: a thousand. *)

let most_direct = 1_000

(* Gives up so many waits together, and gives the words that OCaml keeps more, and checks that Rust keeps nothing. *)
let words_left_by n promise =
  let all_together promise_of =
    let* () = Lwt.join (List.init n (fun _ -> give_up Domain Drop false (promise_of ()))) in
    (* What was dropped is released in ticks, so many in each. *)
    turns 100
  in
  (* The queues become as long as they will be. *)
  let* () = all_together never in
  let words = live_words () in
  let bytes = now (live_memory ()) in
  let* () = all_together (fun () -> promise) in
  let+ () = rust_keeps_little ~than:bytes n in
  live_words () - words

let closures_are_few =
  law "closures_on_a_promise_that_cannot_be_cancelled_are_few" (fun () ->
      let promise, resolver = Lwt.wait () in
      let* words = words_left_by (10 * most_direct) promise in
      if words > 40 * most_direct then Alcotest.failf "OCaml keeps %d words more" words;
      Lwt.wakeup resolver 7;
      let+ n = await_in Domain promise in
      check_int "the value" 7 n)

(* Keeps a thousand closures until the end, so that no wait in between is direct. *)
let outlives, resolve_outlives = Lwt.wait ()

let guarded laws =
  [
    law "waits_beyond_a_thousand_leave_nothing" (fun () ->
        let* _ = words_left_by most_direct outlives in
        let promise = fst (Lwt.wait ()) in
        let* words = words_left_by 200 promise in
        (* A word each would be 200. *)
        if words > 500 then Alcotest.failf "OCaml keeps %d words more" words;
        check_bool "pending" true (Lwt.is_sleeping promise);
        Lwt.return_unit);
  ]
  @ laws
  @ [
      law "closures_go_when_their_promise_is_settled" (fun () ->
          Lwt.wakeup resolve_outlives 7;
          let promise, _ = Lwt.wait () in
          let+ words = words_left_by 200 promise in
          if words < 200 * 20 then Alcotest.failf "OCaml keeps %d words: these waits were not direct" words;
          check_bool "pending" true (Lwt.is_sleeping promise));
    ]

let leaves_nothing =
  let wait () = fst (Lwt.wait ()) in
  [
    waits_leave_nothing "waits_leave_nothing_on_a_promise_that_cannot_be_cancelled" Domain Drop (wait (), many) false;
    waits_leave_nothing "protected_waits_leave_nothing_on_a_promise" Domain Drop (never (), many) true;
    waits_leave_nothing "timed_out_waits_leave_nothing_on_a_promise" Domain Timeout (never (), many / 10) true;
    waits_leave_nothing "waits_of_tokio_tasks_leave_nothing_on_a_promise" Tokio Drop (never (), many / 10) true;
    waits_leave_nothing "timed_out_waits_of_tokio_tasks_leave_nothing_on_a_promise" Tokio Timeout
      (wait (), many / 10) false;
    waits_leave_nothing "waits_of_threads_leave_nothing_on_a_promise" Thread Drop (wait (), many / 100) false;
  ]

(* A promise that nobody can resolve any more. *)

let collected name place (wait : unit -> int Lwt.t) =
  law (String.concat "/" [ name; in_place place ]) (fun () ->
      now (begin_ ());
      let result = wait () in
      let read () =
        Gc.full_major ();
        match Lwt.state result with
        | Lwt.Sleep -> "pending"
        | Lwt.Fail exn -> Printexc.to_string exn
        | Lwt.Return _ -> "fulfilled"
      in
      let* () = turns 3 in
      let* () = eventually "the future" read "Rust_async.Broken_promise" in
      check_string "as Rust saw it" "broken promise" (now (saw ()));
      Lwt.return_unit)

let broken =
  for_places (fun place ->
      [
        collected "collected_promise_is_broken" place (fun () -> await_in place (fst (Lwt.wait ())));
        collected "collected_task_is_broken" place (fun () -> await_in place (never ()));
        collected "collected_derived_promise_is_broken" place (fun () ->
            await_in place (Lwt.map (fun n -> n + 1) (never ())));
        collected "collected_promise_of_a_call_is_broken" place (fun () -> call_in place (fun _ -> never ()));
      ])

(* Neither loop starves the other. *)

let fair name budget tasks =
  law name (fun () ->
      now (set_budget budget);
      Lwt.finalize
        (fun () ->
          let spinning = List.init tasks (fun _ -> spin ()) in
          let before = now (spins ()) in
          let* () = Lwt_unix.sleep 0.005 in
          let between = now (spins ()) in
          (* And what needs many turns of the loop. *)
          let* () = turns 50 in
          let* () = Lwt_unix.sleep 0.001 in
          check_bool "the tasks ran meanwhile" true (before < between && between < now (spins ()));
          List.iter Lwt.cancel spinning;
          turns 2)
        (fun () -> set_budget 0))

let fairness =
  [
    fair "task_that_yields_for_ever_starves_no_timer" 0 1;
    fair "thousand_tasks_that_yield_for_ever_starve_no_timer" 0 1000;
    fair "budget_of_one_poll_starves_nobody" 1 10;
    fair "huge_budget_is_bounded_by_time" 1_000_000_000 10;
    law "loop_that_pauses_for_ever_starves_no_task" (fun () ->
        let stop = ref false in
        let turned = ref 0 in
        let rec pauses () =
          incr turned;
          if !stop then Lwt.return_unit else Lwt.bind (Lwt.pause ()) pauses
        in
        let pausing = pauses () in
        let before = now (spins ()) in
        let spinning = spin () in
        let* () =
          eventually "the task" (fun () -> if now (spins ()) > before + 100 then "ran" else "waits") "ran"
        in
        let* n = await_in Tokio (Lwt.map (fun () -> 7) (nap ())) in
        check_int "a wake from another thread" 7 n;
        let* () = eventually "the loop" (fun () -> if !turned > 10 then "turns" else "stands") "turns" in
        stop := true;
        Lwt.cancel spinning;
        pausing);
  ]

let () =
  Alcotest.run "cancel"
    [
      ("OCaml cancels Rust", drops @ cancels);
      ("Rust gives up OCaml", given_up @ on_the_way);
      ("promises that nobody can resolve", broken);
      ("closures are few", [ closures_are_few ]);
      ("waits that are not direct", guarded (given_up @ on_the_way @ broken));
      ("waits that leave nothing", leaves_nothing);
      ("fairness", fairness);
    ]
