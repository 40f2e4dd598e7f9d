(* A poll's budget: a task whose source is always ready gives way to others, as on Tokio's own threads; and no code but a
   poll's has one. *)

open Lwt.Syntax

type source = Rust_half.source = Channel | Promise | Value | Stream | Tasks

let drain = Rust_half.Budget.budget_drain

external sync_drain : int -> int = "budget_sync_drain"
external sync_block_on : int -> int = "budget_sync_block_on"
let used_up_calls = Rust_half.Budget.budget_used_up_calls
let polls_before_a_wake = Rust_half.Budget.budget_polls_before_a_wake
external is_unlimited : unit -> bool = "budget_is_unlimited"
let inside_block_on = Rust_half.Budget.budget_inside_block_on

let words = function
  | Channel -> "a_channel"
  | Promise -> "promises"
  | Value -> "functions"
  | Stream -> "a_stream"
  | Tasks -> "tasks_that_have_ended"

(* Tokio's. *)
let budget = 128

(* A tick's, in polls. A turn of the loop has two ticks at most: at its beginning, and where its pauses end. *)
let tick = 256

let drains source yields =
  let name = if yields then "after_a_yield" else "at_the_first_poll" in
  Law.law
    (Printf.sprintf "task_that_drains_%s_gives_way/%s" (words source) name)
    (fun () ->
      let items = 100_000 in
      let turns = ref 0 and over = ref false in
      let rec turn () =
        if !over then Lwt.return_unit
        else (
          incr turns;
          Lwt.bind (Lwt.pause ()) turn)
      in
      let stream = Lwt_stream.from_direct (fun () -> Some 1) in
      let drained = drain source items yields ignore Lwt.return stream in
      let timer = Lwt_unix.sleep 0. in
      let other = turn () in
      let* polls = drained in
      Law.check_bool "the timer had its turn" true (Lwt.state timer <> Lwt.Sleep);
      over := true;
      let* () = other in
      Law.check_bool (Printf.sprintf "%d polls" polls) true (polls >= items / budget);
      Law.check_bool (Printf.sprintf "%d turns for %d polls" !turns polls) true (!turns >= polls / (2 * tick));
      Law.check_bool "no budget is left" true (is_unlimited ());
      Lwt.return_unit)

let others =
  [
    Law.law "code_of_ocaml's_has_none_below_a_poll" (fun () ->
        let* n = used_up_calls (fun () -> if is_unlimited () then 1 else 0) in
        Law.check_int "unlimited" 1 n;
        let* n = used_up_calls (fun () -> sync_drain 1000) in
        Law.check_int "drained" 1000 n;
        Lwt.return_unit);
    Law.law "call_below_a_poll_has_its_own" (fun () ->
        let polls = ref 0 in
        let* n =
          used_up_calls (fun () ->
              let drained = drain Value 100 false ignore Lwt.return (Lwt_stream.from_direct (fun () -> Some 1)) in
              match Lwt.state drained with
              | Lwt.Return n ->
                  polls := n;
                  1
              | _ -> 0)
        in
        Law.check_int "ready at once" 1 n;
        Law.check_int "in one poll" 1 !polls;
        Lwt.return_unit);
    Law.law "continuation_has_none" (fun () ->
        let rec again n =
          if n = 0 then Lwt.return_unit
          else
            let* _ = used_up_calls (fun () -> 1) in
            Law.check_bool "unlimited" true (is_unlimited ());
            Law.check_int "drained" 1000 (sync_drain 1000);
            again (n - 1)
        in
        again 10);
    Law.law "wake_by_a_thread_does_not_wait_for_all_tasks" (fun () ->
        let* polls = polls_before_a_wake 1_000 in
        Law.check_bool (Printf.sprintf "%d polls" polls) true (polls <= 2);
        Lwt.return_unit);
    Law.law "code_of_ocaml's_may_run_a_runtime_of_its_own" (fun () ->
        let* n = used_up_calls (fun () -> sync_block_on 7) in
        Law.check_int "below a poll" 7 n;
        Law.check_int "in a continuation" 8 (sync_block_on 8);
        Lwt.return_unit);
    Law.law "calls_work_inside_a_runtime" (fun () ->
        let later = ref (Lwt.return 0) in
        let n =
          inside_block_on (fun () ->
              later := used_up_calls (fun () -> 3);
              match Lwt.state (drain Value 10 false ignore Lwt.return (Lwt_stream.from_direct (fun () -> None))) with
              | Lwt.Return n -> n
              | _ -> 0)
        in
        Law.check_int "polls" 1 n;
        let* n = !later in
        Law.check_int "the other" 3 n;
        Lwt.return_unit);
  ]

let () =
  Alcotest.run "budget"
    [
      ( "what is always ready",
        List.concat_map (fun source -> [ drains source false; drains source true ]) [ Channel; Promise; Value; Stream; Tasks ] );
      ("other code", others);
    ]
