(* OCaml cancels what Rust does; and neither loop starves the other. *)

open Lwt.Syntax
open Law
open Probe
open Cancel_law

type endless = Rust_half.endless = Nothing | TokioTimer | Promise | ProtectedPromise | Task | TokioTask | Yields

let endless = Rust_half.Cancel.cancel_endless
let from_within = Rust_half.Cancel.cancel_from_within
let detached = Rust_half.Cancel.cancel_detached
let settled_later = Rust_half.Cancel.cancel_settled_later
let chain = Rust_half.Cancel.cancel_chain
let spin = Rust_half.Cancel.cancel_spin
let spins = Rust_half.Cancel.cancel_spins
let set_budget = Rust_half.Cancel.cancel_set_budget

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

(* Neither loop starves the other. *)

let fair name budget tasks =
  law name (fun () ->
      now (set_budget budget);
      Lwt.finalize
        (fun () ->
          let spinning = List.init tasks (fun _ -> spin ()) in
          (* Each timer comes, and between them the tasks run, sooner or later. *)
          let rec until_more_than before =
            let* () = Lwt_unix.sleep 0.001 in
            if now (spins ()) > before then Lwt.return_unit else until_more_than before
          in
          let* () = until_more_than (now (spins ())) in
          (* And what needs many turns of the loop. *)
          let* () = turns 50 in
          let* () = until_more_than (now (spins ())) in
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

let () = Alcotest.run "cancel" [ ("OCaml cancels Rust", drops @ cancels); ("fairness", fairness) ]
