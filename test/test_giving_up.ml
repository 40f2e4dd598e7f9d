(* Rust gives up what OCaml does, and leaves nothing behind; and promises that nobody can resolve any more. *)

open Lwt.Syntax
open Law
open Probe
open Cancel_law

type how = Rust_half.how = Drop | DropOnThread | Race | Select | Timeout | Abort

let give_up = Rust_half.Cancel.cancel_give_up
let give_up_call = Rust_half.Cancel.cancel_give_up_call
let on_the_way = Rust_half.Cancel.cancel_on_the_way
let on_the_way_of_a_call = Rust_half.Cancel.cancel_on_the_way_of_a_call
let unpolled = Rust_half.Cancel.cancel_unpolled
let unawaited = Rust_half.Cancel.cancel_unawaited
let unpolled_call = Rust_half.Cancel.cancel_unpolled_call
let signal = Rust_half.Cancel.cancel_signal
let call_until_signal = Rust_half.Cancel.cancel_call_until_signal
let call_in = Rust_half.Matrix.matrix_call

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

let () =
  Alcotest.run "giving up"
    [
      ("Rust gives up OCaml", given_up @ on_the_way);
      ("promises that nobody can resolve", broken);
      ("closures are few", [ closures_are_few ]);
      ("waits that are not direct", guarded (given_up @ on_the_way @ broken));
      ("waits that leave nothing", leaves_nothing);
    ]
