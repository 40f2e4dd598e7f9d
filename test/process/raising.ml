(* OCaml exceptions that nobody catches, out of continuations and signal handlers: they leave the loop as they would
   without Rust, and both sides work afterwards. *)

open Lwt.Syntax
open Case
open Functions

exception Boom of int

let raises n = raise (Boom n)

let run_and_say promise =
  match Lwt_main.run promise with
  | () -> say "the loop ended"
  | exception exn -> say "raised: %s" (Printexc.to_string exn)

let boom = "raised: Dune__exe__Raising.Boom(1)"

(* Promises of Lwt's own, for comparison: the same must happen. *)
let of_lwt =
  [
    ("a_continuation_of_pause", fun f -> Lwt.map f (Lwt.map (fun () -> 1) (Lwt.pause ())));
    ("a_continuation_of_sleep", fun f -> Lwt.map f (Lwt.map (fun () -> 1) (Lwt_unix.sleep 0.002)));
  ]

(* The exception of a callback that no promise waits for: Lwt hands it to its hook. *)
let stray run = run (fun n -> Lwt.on_success (Lwt.return n) raises; n)

let raising (place, run) =
  [
    case ("exception_in_" ^ place ^ "_leaves_the_loop") ~out:[ boom; works ] (fun () ->
        Lwt.async_exception_hook := raise;
        let main = Lwt.bind (Lwt.pause ()) (fun () -> Lwt.on_success (run (fun n -> n)) raises; Lwt_unix.sleep 10.) in
        run_and_say main;
        Lwt_main.run (all_ways ()));
    case ("exception_in_" ^ place ^ "_leaves_the_loop_a_hundred_times") ~out:[ "100"; works ] (fun () ->
        Lwt.async_exception_hook := raise;
        let raised = ref 0 in
        for i = 1 to 100 do
          let main = Lwt.bind (Lwt.pause ()) (fun () -> Lwt.on_success (run (fun n -> n)) raises; Lwt_unix.sleep 10.) in
          try Lwt_main.run main with Boom 1 -> if i > 0 then incr raised
        done;
        say "%d" !raised;
        Lwt_main.run (all_ways ()));
    case ("exception_in_" ^ place ^ "_goes_to_the_hook") ~out:[ "the hook has it"; "the loop ended"; works ] (fun () ->
        let caught, catch = Lwt.wait () in
        (Lwt.async_exception_hook :=
           function Boom 1 -> say "the hook has it"; Lwt.wakeup_later catch () | _ -> ());
        run_and_say
          (let* () = Lwt.pause () in
           Lwt.on_success (run (fun n -> n)) raises;
           caught);
        Lwt_main.run (all_ways ()));
    case ("exception_in_" ^ place ^ "_ends_a_process_without_a_hook") ~ending:(Exit 2) ~err:[ "Boom(1)" ]
      ~out:[ "future is dropped" ] (fun () ->
        ignore (never "future");
        run_and_say
          (let* () = Lwt.pause () in
           Lwt.on_success (run (fun n -> n)) raises;
           Lwt_unix.sleep 10.));
    case ("stray_exception_in_" ^ place ^ "_goes_to_the_hook") ~out:[ "the hook has it"; works ] (fun () ->
        (Lwt.async_exception_hook := function Boom 1 -> say "the hook has it" | _ -> ());
        ignore (Lwt_main.run (stray run) : int);
        Lwt_main.run (all_ways ()));
  ]

let more =
  [
    case "what_ended_with_the_exception_is_not_lost" ~out:[ boom; "second: 1"; "third: 1"; works ] (fun () ->
        Lwt.async_exception_hook := raise;
        let main =
          let* () = Lwt.pause () in
          Lwt.on_success (yield 1) raises;
          let second = say_ending "second" (yield 1) in
          let third = say_ending "third" (yield 1) in
          let* () = Lwt.join [ second; third ] in
          Lwt_unix.sleep 10.
        in
        run_and_say main;
        Lwt_main.run (Lwt_unix.sleep 0.02);
        Lwt_main.run (all_ways ()));
    case "exception_leaves_the_call_that_resolved_the_promise" ~out:[ boom; works ] (fun () ->
        Lwt.async_exception_hook := raise;
        let promise, resolver = Lwt.wait () in
        Lwt.on_success (await promise) raises;
        (try Lwt.wakeup resolver 1 with exn -> say "raised: %s" (Printexc.to_string exn));
        Lwt_main.run (all_ways ()));
    case "exception_leaves_the_call_that_cancelled" ~out:[ "future is dropped"; boom; works ] (fun () ->
        Lwt.async_exception_hook := raise;
        let future = never "future" in
        Lwt.on_failure future (fun _ -> raises 1);
        Lwt_main.run (Lwt_unix.sleep 0.002);
        (try Lwt.cancel future with exn -> say "raised: %s" (Printexc.to_string exn));
        Lwt_main.run (all_ways ()));
    case "exception_in_a_continuation_of_a_call_ready_at_once" ~out:[ boom; works ] (fun () ->
        Lwt.async_exception_hook := raise;
        (try Lwt.on_success (ready 1) raises with exn -> say "raised: %s" (Printexc.to_string exn));
        Lwt_main.run (all_ways ()));
    case "exception_in_a_cancellation_that_a_dropped_future_asks_for" ~out:[ "future: " ^ "Lwt.Resolution_loop.Canceled"; works ]
      (fun () ->
        (Lwt.async_exception_hook := fun exn -> say "hook: %s" (Printexc.to_string exn));
        let promise, _ = Lwt.task () in
        let future = await promise in
        let ending = say_ending "future" future in
        Lwt.cancel future;
        Lwt_main.run ending;
        Lwt_main.run (all_ways ()));
    case "stack_overflow_in_a_continuation" ~out:[ "overflow"; works ] (fun () ->
        let rec deep n = if n = 0 then 0 else 1 + deep (Sys.opaque_identity (n - 1)) in
        let overflow = Lwt.map (fun _ -> deep 1_000_000_000) (yield 1) in
        (match Lwt_main.run overflow with _ -> () | exception Stack_overflow -> say "overflow");
        (* Lwt 6 lets the exception pass through [Lwt_main.run], which cannot be called again then. *)
        hand_written (all_ways ()));
  ]

(* Where an interrupt finds a callback running, Lwt gives it to its hook, which would end the process. *)
let catch_break () =
  Sys.catch_break true;
  Lwt.async_exception_hook := raise

let interrupts =
  [
    case "interrupt_during_a_call_leaves_it_or_the_loop" ~out:[ "interrupted"; works ] (fun () ->
        catch_break ();
        (* The signal comes in Rust; OCaml raises when it runs next: in the call or behind it. *)
        (match
           let promise = interrupts () in
           Lwt_main.run (Lwt.join [ promise; Lwt_unix.sleep 10. ])
         with
        | () -> ()
        | exception Sys.Break -> say "interrupted");
        (try Lwt_main.run (Lwt_unix.sleep 0.05) with Sys.Break -> ());
        Lwt_main.run (all_ways ()));
    case "interrupt_of_a_promise_that_is_rejected_is_not_lost" 
      ~out:[ "interrupted"; "future: Rust_async.Rust_error: it fails"; works ] (fun () ->
        catch_break ();
        let future = interrupts_when_it_fails () in
        let settled = Lwt.catch (fun () -> future) (fun _ -> Lwt.return_unit) in
        (match Lwt_main.run (Lwt.join [ settled; Lwt_unix.sleep 10. ]) with
        | () -> ()
        | exception Sys.Break -> say "interrupted");
        Lwt_main.run (say_ending "future" (as_int future));
        Lwt_main.run (all_ways ()));
    case "interrupt_of_a_wait_that_is_given_up_does_not_save_the_promise" ~out:[ "interrupted"; "cancelled"; works ] (fun () ->
        catch_break ();
        let promise, _ = Lwt.task () in
        (match Lwt_main.run (Lwt.bind (interrupts_when_it_gives_up promise) (fun () -> Lwt_unix.sleep 10.)) with
        | () -> ()
        | exception Sys.Break -> say "interrupted");
        say "%s" (match Lwt.state promise with Lwt.Fail Lwt.Canceled -> "cancelled" | _ -> "not cancelled");
        Lwt_main.run (all_ways ()));
    case "interrupt_under_a_hand_written_loop" ~out:[ "interrupted"; works ] (fun () ->
        catch_break ();
        for i = 1 to 100 do
          match
            let promise = interrupts () in
            hand_written (Lwt.join [ promise; Lwt_unix.sleep 10. ])
          with
          | () -> ()
          | exception Sys.Break -> if i = 1 then say "interrupted"
        done;
        (try hand_written (Lwt_unix.sleep 0.05) with Sys.Break -> ());
        hand_written (all_ways ()));
    case "interrupts_by_the_hundred" ~out:[ "200 at most"; works ] (fun () ->
        catch_break ();
        let left = ref 0 in
        let rec run seconds = try Lwt_main.run (Lwt_unix.sleep seconds) with Sys.Break -> incr left; run seconds in
        for _ = 1 to 100 do
          (try ignore (interrupts ()) with Sys.Break -> incr left);
          run 0.001
        done;
        run 0.05;
        check "interrupts" (!left >= 100 && !left <= 200);
        say "200 at most";
        Lwt_main.run (all_ways ()));
    case "interrupt_by_a_destructor" ~out:[ "interrupted"; works ] (fun () ->
        catch_break ();
        let future = interrupts_when_dropped () in
        (try
           Lwt.cancel future;
           Lwt_main.run (Lwt_unix.sleep 10.)
         with Sys.Break -> say "interrupted");
        Lwt_main.run (all_ways ()));
    case "interrupt_from_a_worker_ends_the_sleep_of_the_loop" ~out:[ "interrupted"; works ] (fun () ->
        catch_break ();
        (match Lwt_main.run (Lwt.bind (signal_from_worker 2) (fun () -> Lwt_unix.sleep 10.)) with
        | () -> ()
        | exception Sys.Break -> say "interrupted");
        Lwt_main.run (all_ways ()));
    case "signals_reach_lwts_handlers" ~out:[ "handled"; works ] (fun () ->
        let handled, resolver = Lwt.wait () in
        ignore (Lwt_unix.on_signal Sys.sigusr1 (fun _ -> Lwt.wakeup_later resolver ()));
        Lwt_main.run (Lwt.bind (signal_from_worker 10) (fun () -> handled));
        say "handled";
        Lwt_main.run (all_ways ()));
    case "interrupt_without_a_handler_kills" ~ending:(Signal Sys.sigint) (fun () ->
        (* A shell's background job ignores it. *)
        Sys.set_signal Sys.sigint Signal_default;
        ignore (never "future");
        Lwt_main.run (Lwt.bind (signal_from_worker 2) (fun () -> Lwt_unix.sleep 10.)));
  ]

let () = main (List.concat_map raising (places @ of_lwt) @ more @ interrupts)
