(* Exceptions that come at any point of OCaml's code: Ctrl-C, handlers of signals that raise. They leave the loop, and no
   promise is lost by them. *)

open Lwt.Syntax
open Case
open Functions

exception Alarm

let state promise =
  match Lwt.state promise with
  | Lwt.Sleep -> "pending"
  | Lwt.Return n -> string_of_int n
  | Lwt.Fail exn -> Printexc.to_string exn

(* Runs the loop until the promise is settled, whatever leaves the loop meanwhile; gives how often something did. Each run is
   a short one: what the exception interrupted may have been Lwt's own code, which loses its promises by that. *)
let run_through promise =
  let deadline = Unix.gettimeofday () +. 10. in
  let rec go left =
    if (not (Lwt.is_sleeping promise)) || Unix.gettimeofday () > deadline then left
    else
      match Lwt_main.run (Lwt_unix.sleep 0.001) with
      | () -> go left
      | exception (Sys.Break | Alarm) -> go (left + 1)
  in
  go 0

(* What is under way has ended, and what escaped has left. *)
let rec settle () = try Lwt_main.run (Lwt_unix.sleep 0.01) with Sys.Break | Alarm -> settle ()

let hooks =
  [
    ("that_raises", fun () -> Lwt.async_exception_hook := raise);
    ("that_ignores", fun () -> Lwt.async_exception_hook := ignore);
    ("of_lwt", ignore);
  ]

(* Whatever the hook for asynchronous exceptions does: it is not called. *)
let with_hook (hook, set) =
  let case law ~out f = case (law ^ "_with_a_hook_" ^ hook) ~out f in
  [
    case "interrupt_of_a_promise_that_is_fulfilled_is_not_lost" ~out:[ "100 settled, 100 interrupts"; works ] (fun () ->
        Sys.catch_break true;
        set ();
        let settled = ref 0 and interrupts = ref 0 in
        for i = 1 to 100 do
          let promise = interrupts_and_gives i in
          interrupts := !interrupts + run_through promise;
          if state promise = string_of_int i then incr settled
        done;
        say "%d settled, %d interrupts" !settled !interrupts;
        Lwt_main.run (all_ways ()));
    case "interrupt_of_a_promise_that_is_made_is_not_lost" ~out:[ "1, 2, 3"; works ] (fun () ->
        Sys.catch_break true;
        set ();
        let made = interrupts_and_makes () in
        check "interrupts" (run_through made > 0);
        (match Lwt.state made with
        | Lwt.Return promises ->
            Array.iter (fun promise -> ignore (run_through promise : int)) promises;
            say "%s" (String.concat ", " (List.map state (Array.to_list promises)))
        | _ -> say "no promises");
        settle ();
        Lwt_main.run (all_ways ()));
    case "interrupt_of_a_wait_that_begins_is_not_lost" ~out:[ "1 interrupt"; "7"; works ] (fun () ->
        Sys.catch_break true;
        set ();
        let promise, resolver = Lwt.wait () in
        let awaits = interrupts_and_awaits promise in
        (match Lwt_main.run (Lwt_unix.sleep 10.) with () -> () | exception Sys.Break -> say "1 interrupt");
        check "it waits" (state awaits = "pending");
        Lwt.wakeup resolver 7;
        ignore (run_through awaits : int);
        say "%s" (state awaits);
        settle ();
        Lwt_main.run (all_ways ()));
  ]

(* A timer of the system's, whose handler raises: once, after so many seconds. *)
let alarm_after seconds = ignore (Unix.setitimer ITIMER_REAL { it_value = seconds; it_interval = 0. })

let busy =
  [
    ("computes", fun () -> computes 3);
    ("yields", fun () -> yield 10);
    ("sleeps", fun () -> after 1 1);
    ("has_work_on_a_worker", fun () -> tokio 1);
    ("calls_home_from_a_worker", fun () -> home_call 1);
  ]

(* [Lwt_main.run] takes a mutex at its beginning and at its end (lwt_main.ml, Lwt 5.6), and notes that it runs (Lwt 5.7). A handler
   that raises there leaves it so for ever; so no handler raises outside of a turn. (There is a law of its own for a turn that has
   not begun.) *)
let outside = ref false

let within_turns () =
  let now is_outside () = outside := is_outside in
  ignore (Lwt_main.Enter_iter_hooks.add_last (now false));
  ignore (Lwt_main.Leave_iter_hooks.add_first (now true))

let run promise =
  outside := true;
  Lwt_main.run promise;
  outside := false

(* A handler may run when Lwt is about to call a callback, one of ours as well as any other, and Lwt has its hook called then. *)
let interrupts_of_what_is_busy (what, f) =
  case ("interrupt_leaves_the_loop_while_rust_" ^ what) ~out:[ "50 of 50"; works ] (fun () ->
      Lwt.async_exception_hook := raise;
      within_turns ();
      Sys.set_signal Sys.sigalrm (Signal_handle (fun _ -> if !outside then alarm_after 0.000_5 else raise Alarm));
      let left = ref 0 and stop = ref false in
      let rec for_ever () =
        if !stop then Lwt.return_unit
        else
          let* (_ : int) = f () in
          for_ever ()
      in
      for i = 1 to 50 do
        stop := false;
        (match
           alarm_after (0.001 +. (0.000_137 *. float_of_int i));
           run (for_ever ())
         with
        | () -> ()
        | exception Alarm -> incr left);
        outside := false;
        (* So that no continuation of these calls gets the next exception. (A future may have ended, and its promise be settled in
           the next turn.) *)
        stop := true;
        Lwt_main.run (Lwt_unix.sleep 0.001);
        while (Rust_async.stats ()).tasks > 0 do
          Lwt_main.run (Lwt_unix.sleep 0.001)
        done
      done;
      say "%d of 50" !left;
      Lwt_main.run (all_ways ()))

(* One of twenty handlers raises, and may do so wherever something is allocated. *)

let signals = ref 0

let handler _ =
  incr signals;
  if !signals mod 20 = 0 && not !outside then raise Alarm

let alarms seconds = ignore (Unix.setitimer ITIMER_REAL { it_value = seconds; it_interval = seconds })

let rec calm () =
  try
    alarms 0.;
    Sys.set_signal Sys.sigalrm Signal_ignore;
    settle ()
  with Alarm -> calm ()

(* [f] may be called again, where it was left. *)
let storm f =
  Lwt.async_exception_hook := raise;
  within_turns ();
  Sys.set_signal Sys.sigalrm (Signal_handle handler);
  let rec go () =
    try f ()
    with Alarm ->
      outside := false;
      go ()
  in
  (try alarms 0.000_1 with Alarm -> ());
  go ();
  calm ();
  check "there were signals" (!signals > 20)

let storms =
  [
    case "storm_of_signals_loses_no_promise" ~out:[ "lost: none"; works ] ~at_most:60. (fun () ->
        let promises = ref [] and i = ref 0 in
        let ways = [| yield; (fun n -> after 1 n); tokio; on_workers; home_call; on_blocking_pool |] in
        storm (fun () ->
            while !i < 6_000 do
              incr i;
              promises := (!i mod 30, ways.(!i mod 6) (!i mod 30)) :: !promises;
              if !i mod 10 = 0 then run (Lwt.pause ())
            done);
        let pending () = List.filter (fun (_, promise) -> Lwt.is_sleeping promise) !promises in
        let deadline = Unix.gettimeofday () +. 20. in
        while pending () <> [] && Unix.gettimeofday () < deadline do
          Lwt_main.run (Lwt_unix.sleep 0.01)
        done;
        let wrong = List.filter (fun (i, promise) -> state promise <> string_of_int i) !promises in
        check "there were promises" (List.length !promises > 3_000);
        say "lost: %s"
          (if wrong = [] then "none"
          else String.concat ", " (List.map (fun (i, promise) -> Printf.sprintf "%d %s" i (state promise)) wrong));
        Lwt_main.run (all_ways ()));
  ]

exception Injected

(* In a process that has not called Rust: the first call, where the allocation of that number raises. It starts the bridge. *)
let first_call_where_an_allocation_raises number =
  let count = ref 0 and raised = ref false and came = ref false in
  let allocated { Gc.Memprof.callstack; _ } =
    incr count;
    if !count = number then begin
      raised := true;
      (* What a lazy value of Lwt 6 raises once, while it installs its handler, it raises in each [Lwt_main.run]. *)
      if contains (Printexc.raw_backtrace_to_string callstack) ~part:"CamlinternalLazy" then came := true else raise Injected
    end;
    None
  in
  let tracker = { Gc.Memprof.null_tracker with alloc_minor = allocated; alloc_major = allocated } in
  (try
     ignore (Gc.Memprof.start ~sampling_rate:1. ~callstack_size:20 tracker);
     ignore (yield 1 : int Lwt.t)
   with Injected -> came := true);
  count := max_int;
  Gc.Memprof.stop ();
  let rec run promise = try Lwt_main.run promise with Injected -> came := true; run promise in
  check "it works" (run (yield 7) = 7);
  if not !raised then `Over else if !came then `Came else `Lost

let rec first_calls number =
  match Unix.fork () with
  | 0 -> (
      match first_call_where_an_allocation_raises number with
      | `Came -> Unix._exit 0
      | `Over -> Unix._exit 1
      | `Lost -> Unix._exit 2
      | exception exn ->
          prerr_endline (Printexc.to_string exn);
          Unix._exit 3)
  | child -> (
      match snd (Unix.waitpid [] child) with
      | WEXITED 0 -> first_calls (number + 1)
      | WEXITED 1 -> check "there were allocations" (number > 10)
      | WEXITED n | WSIGNALED n | WSTOPPED n -> say "allocation %d: %d" number n)

let more =
  [
    case "exception_at_any_allocation_of_the_first_call_is_not_lost" ~out:[ "over" ] ~at_most:60. (fun () ->
        first_calls 1;
        say "over");
    (* [Lwt_main.run] begins with what is paused, and returns at once when that settles its promise. *)
    case "interrupt_before_the_first_turn_leaves_the_loop_that_runs" ~out:[ "100 of 100, 100 settled"; works ] (fun () ->
        Sys.catch_break true;
        Lwt.async_exception_hook := raise;
        let left = ref 0 and settled = ref 0 in
        for i = 1 to 100 do
          let promise = interrupts_and_gives i in
          (match Lwt_main.run promise with
          | (_ : int) -> ()
          | exception Sys.Break -> incr left);
          Lwt_main.run (Lwt_unix.sleep 0.001);
          if state promise = string_of_int i then incr settled
        done;
        say "%d of 100, %d settled" !left !settled;
        Lwt_main.run (all_ways ()));
    case "interrupt_during_a_call_for_a_stream_leaves_it" ~out:[ "100 interrupts"; works ] (fun () ->
        Sys.catch_break true;
        let interrupts = ref 0 in
        for _ = 1 to 100 do
          match interrupts_and_streams () with
          | (_ : int Lwt_stream.t) -> ()
          | exception Sys.Break -> incr interrupts
        done;
        say "%d interrupts" !interrupts;
        Gc.full_major ();
        Lwt_main.run (all_ways ());
        check "no stream is left" ((Rust_async.stats ()).tasks = 0));
  ]

let () = main (List.concat_map with_hook hooks @ List.map interrupts_of_what_is_busy busy @ storms @ more)
