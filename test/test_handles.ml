(* The handles of the domain executor work from every place. *)

open Lwt.Syntax
open Law
open Probe

type does = Rust_half.task_does = Return | Fail | Panic | Never

let spawn = Rust_half.Handles.handles_spawn
let detach = Rust_half.Handles.handles_detach
let call = Rust_half.Handles.handles_call
let call_that_panics = Rust_half.Handles.handles_call_that_panics
let enter = Rust_half.Handles.handles_enter
let guards_in_the_wrong_order = Rust_half.Handles.handles_guards_in_the_wrong_order
let is_home = Rust_half.Handles.handles_is_home
let function_elsewhere = Rust_half.Handles.handles_function_elsewhere
let lwt = Rust_half.Handles.handles_lwt
let with_runtime = Rust_half.Handles.handles_with_runtime
let live_tasks = Rust_half.Handles.handles_live_tasks
let abort_after_the_end = Rust_half.Handles.handles_abort_after_the_end
let move = Rust_half.Handles.handles_move
let move_task = Rust_half.Handles.handles_move_task
let run = Rust_half.Blocking.blocking_run
let run_in_a_pool = Rust_half.Blocking.blocking_run_in_a_pool

let words = function
  | Ok value -> Printf.sprintf "value %d" value
  | Error (Rust_async.Rust_error { message; _ }) -> "error " ^ message
  | Error (Rust_async.Rust_panic { message; _ }) -> "panic " ^ message
  | Error (Rust_async.Misuse _) -> "misuse"
  | Error exn -> Printexc.to_string exn

let ends what expected promise = Lwt.map (fun ending -> check_string what expected (words ending)) (ending promise)
let in_place name place = name ^ "/" ^ in_place place
let endings = [ (Return, "value", "value 7"); (Fail, "error", "error the probe failed"); (Panic, "panic", "panic the task panicked") ]
[@@ocamlformat "disable"]

let with_endings law_of =
  List.concat_map
    (fun (does, name, expected) ->
      List.map (fun yields -> law_of (name ^ if yields then "_after_a_yield" else "_at_once") does expected yields)
        [ false; true ])
    endings
[@@ocamlformat "disable"]

let everywhere place =
  with_endings (fun name does expected yields ->
      law (in_place ("task_gives_its_handle_its_" ^ name) place) (fun () ->
          now (begin_ ());
          let* () = ends "the task" expected (spawn place does yields) in
          check (if yields then Exactly (2, 1) else Exactly (1, 0))))
  @ [
      law (in_place "task_without_a_handle_runs_on" place) (fun () ->
          now (begin_ ());
          let done_ = ref false in
          let* () = detach place (fun () -> done_ := true) in
          let* () = check (Exactly (2, 1)) in
          check_bool "done" true !done_;
          Lwt.return_unit);
      law (in_place "closure_sent_home_calls_ocaml" place) (fun () -> ends "it" "value 7" (call place succ));
      law (in_place "exception_in_a_closure_sent_home_comes_back" place) (fun () ->
          let sent = Refused "at home" in
          let+ ending = ending (call place (fun _ -> raise sent)) in
          check_bool "the same" true (match ending with Error exn -> exn == sent | Ok _ -> false));
      law (in_place "panic_in_a_closure_sent_home_is_its_callers" place) (fun () ->
          ends "it" "panic the closure panicked" (call_that_panics place));
      law (in_place "entered_handle_is_found" place) (fun () -> ends "it" "value 7" (enter place));
      law (in_place "handle_knows_its_home" place) (fun () ->
          Lwt.map (check_bool "home" (place = Domain)) (is_home place));
      law (in_place "function_is_called_at_home_only" place) (fun () ->
          ends "it" (if place = Domain then "value 7" else "misuse") (function_elsewhere place succ));
    ]

let between =
  List.concat_map
    (fun first ->
      List.concat_map
        (fun then_ ->
          let name what = in_place (in_place what first) then_ in
          [
            law (name "future_polled_here_is_woken_there") (fun () ->
                let promise, resolver = Lwt.wait () in
                let resolve () = Lwt.on_success (Lwt.pause ()) (fun () -> Lwt.wakeup resolver 7) in
                ends "it" "value 7" (move first then_ promise resolve));
            law (name "task_polled_here_is_joined_there") (fun () -> ends "it" "value 7" (move_task first then_));
          ])
        places)
    places

let at_home =
  with_endings (fun name does expected yields ->
      law ("future_made_a_promise_has_its_" ^ name) (fun () ->
          now (begin_ ());
          let promise = now (lwt does yields) in
          check_bool "pending" yields (Lwt.is_sleeping promise);
          let* () = ends "it" expected promise in
          check (if yields then Exactly (2, 1) else Exactly (1, 0))))
  @ with_endings (fun name does expected yields ->
        law ("task_spawned_with_a_runtime_has_its_" ^ name) (fun () -> ends "it" expected (with_runtime does yields)))
  @ [
      law "future_made_a_promise_is_dropped_when_cancelled" (fun () ->
          now (begin_ ());
          let promise = now (lwt Never true) in
          let* () = Lwt.pause () in
          Lwt.cancel promise;
          let* () = ends "it" (Printexc.to_string Lwt.Canceled) promise in
          check (Exactly (2, 1)));
      law_now "guards_are_dropped_in_reverse_order" (fun () ->
          let message = Option.value (now (guards_in_the_wrong_order ())) ~default:"nothing" in
          check_bool message true (starts_with ~prefix:"executor guard 1 of 2 was dropped first" message));
      law "live_tasks_are_counted" (fun () ->
          let before = now (live_tasks ()) in
          let tasks = List.init 5 (fun _ -> now (lwt Never true)) in
          check_int "tasks" (before + 5) (now (live_tasks ()));
          List.iter Lwt.cancel tasks;
          let* () = Lwt.pause () in
          check_int "tasks" before (now (live_tasks ()));
          Lwt.return_unit);
      law "abort_after_the_end_does_nothing" (fun () -> ends "it" "value 7" (abort_after_the_end ()));
    ]

(* [Handle::run_blocking]. *)

let run_blocking =
  List.map
    (fun place ->
      law (in_place "thread_waits_for_a_closure_at_home" place) (fun () -> Lwt.map (check_int "value" 42) (run place succ)))
    elsewhere
  @ [
      law "closure_that_raises_gives_its_exception" (fun () ->
          let sent = Refused "at home" in
          let+ ending = ending (run Thread (fun _ -> raise sent)) in
          check_bool "the same" true (match ending with Error exn -> exn == sent | Ok _ -> false));
      law "waiting_at_home_for_home_is_refused" (fun () ->
          let+ ending = ending (run Domain succ) in
          match ending with
          | Error (Rust_async.Misuse message) ->
              check_bool message true (starts_with ~prefix:"Handle::run_blocking was called on" message)
          | _ -> Alcotest.fail "not refused");
      law "threads_of_another_pool_wait_for_home" (fun () ->
          Lwt.map (check_int "sum" 124_750) (run_in_a_pool 500));
    ]
[@@ocamlformat "disable"]

let () =
  Alcotest.run "handles"
    [
      ("from every place", List.concat_map everywhere places);
      ("from place to place", between);
      ("at home", at_home);
      ("run_blocking", run_blocking);
    ]
