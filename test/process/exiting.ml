(* The process ends while work is in flight: what was begun is dropped, its promises are rejected, nothing hangs. *)

open Lwt.Syntax
open Case
open Functions

(* Runs the loop for a while, in which what was called gets as far as it will. *)
let settle () = Lwt_main.run (Lwt_unix.sleep 0.02)

(* Says when the promise is settled. *)
let watch promise =
  Lwt.on_any promise
    (fun _ -> say "fulfilled")
    (fun exn -> say "rejected: %s" (Printexc.to_string exn))

let rejected = "rejected: " ^ broken

let exit_from_everywhere (place, run) =
  case ("exit_in_" ^ place ^ "_lets_the_hooks_await_rust") ~ending:(Exit 3)
    ~out:[ "first hook"; works; "last hook"; works; "future is dropped"; rejected ]
    (fun () ->
      Lwt_main.at_exit (fun () -> say "last hook"; all_ways ());
      watch (never "future");
      Lwt_main.at_exit (fun () -> say "first hook"; all_ways ());
      ignore (Lwt_main.run (run (fun _ -> exit 3)) : int))

(* Where else [exit] may be called while Rust has work. *)
let more_places =
  let handler f =
    Sys.set_signal Sys.sigint (Signal_handle (fun _ -> ignore (f 1 : int)));
    interrupts_and_gives 1
  in
  let waits () = fst (Lwt.wait ()) in
  places
  @ [
      ("a_handler_of_a_signal_that_came_while_rust_polled", handler);
      ( "a_handler_of_lwts",
        fun f ->
          ignore (Lwt_unix.on_signal Sys.sigint (fun _ -> ignore (f 1 : int)));
          Lwt.bind (interrupts_and_gives 1) (fun _ -> waits ()) );
      ( "a_continuation_of_a_continuation",
        fun f -> Lwt.bind (yield 1) (fun _ -> Lwt.bind (yield 1) (fun _ -> Lwt.map f (yield 1))) );
      ( "a_callback_of_a_cancellation",
        fun f ->
          Sys.set_signal Sys.sigint Signal_ignore;
          let promise, _ = Lwt.task () in
          Lwt.on_cancel promise (fun () -> ignore (f 1 : int));
          Lwt.bind (interrupts_when_it_gives_up promise) (fun () -> waits ()) );
      ( "the_hook_for_asynchronous_exceptions",
        fun f ->
          (Lwt.async_exception_hook := fun _ -> ignore (f 1 : int));
          Lwt.on_success (yield 1) (fun _ -> failwith "stray");
          waits () );
      ( "a_finaliser",
        fun f ->
          Gc.finalise (fun _ -> ignore (f 1 : int)) (Sys.opaque_identity (ref 1));
          call_later (fun n -> Gc.full_major (); n) 1 );
      ( "a_thread",
        fun f ->
          let* () = Lwt.pause () in
          ignore (Thread.create f 1);
          ignore (never "future");
          waits () );
      ( "a_thread_while_a_continuation_blocks",
        fun f ->
          ignore (Thread.create (fun n -> Thread.delay 0.02; f n) 1);
          Lwt.bind (yield 1) (fun _ -> Lwt.map (fun _ -> Thread.delay 60.; 1) (yield 1)) );
      ( "a_blocking_call",
        fun f ->
          let* () = Lwt.pause () in
          ignore (blocking_call f 1);
          waits () );
    ]

let on_threads = [ "a_thread"; "a_thread_while_a_continuation_blocks"; "a_blocking_call" ]

(* Lwt's own hook for output needs a loop that runs what was put off. *)
let exit_flushes (place, run) =
  case ("exit_in_" ^ place ^ "_flushes_what_lwt_io_has") ~ending:(Exit 3) ~out:[ "not flushed yet"; "a hook" ] (fun () ->
      (* libev aborts when two threads run its loop, which such an [exit] does, with Lwt alone as well. *)
      if List.mem place on_threads then Lwt_engine.set (new Lwt_engine.select);
      let later () =
        let promise, resolver = Lwt.wait () in
        Lwt.on_success (Lwt.pause ()) (Lwt.wakeup_later resolver);
        Lwt.bind promise (fun () -> Lwt_io.print "a hook\n")
      in
      Lwt_main.at_exit later;
      ignore
        (Lwt_main.run
           (let* () = Lwt_io.print "not flushed yet\n" in
            run (fun _ -> exit 3))
          : int))

(* Ten thousand calls in flight: timers that fire now, one after the other, and tasks of Tokio that wake home. [ends] is
   called when one has ended. *)
let ten_thousand ends =
  for i = 1 to 10_000 do
    Lwt.on_success (if i land 1 = 0 then after (i mod 20) i else tokio i) ends
  done

let cases =
  [
    case "exit_drops_a_pending_future_and_breaks_its_promise" ~out:[ "future is dropped"; rejected ] (fun () ->
        watch (never "future");
        settle ());
    case "exit_before_the_loop_ever_ran_drops_futures" ~out:[ "future is dropped"; rejected ] (fun () ->
        watch (never "future"));
    case "exit_drops_tasks_of_tokio" ~out:[ rejected; "task is dropped" ] (fun () ->
        watch (tokio_never "task");
        settle ());
    case "exit_stops_busy_tasks_of_tokio" (fun () ->
        ignore (tokio_busy ());
        settle ());
    case "exit_waits_for_blocking_work_and_no_longer_than_the_bound" ~out:[ rejected ] ~at_least:1. ~at_most:15.
      (fun () ->
        watch (blocking 60.);
        settle ());
    case "exit_waits_for_blocking_work_that_ends_within_the_bound" ~out:[ rejected ] ~at_least:0.3 ~at_most:15. (fun () ->
        watch (blocking 0.3);
        settle ());
    case "exit_breaks_the_promise_of_a_body_on_a_worker" ~out:[ rejected ] (fun () ->
        watch (never_on_workers ());
        Lwt_main.run (until_began 1));
    case "exit_drops_a_body_on_a_worker" ~out:[ "body is dropped" ] (fun () ->
        ignore (noisy_on_workers "body");
        Lwt_main.run (until_began 1));
    case "exit_before_the_loop_ever_ran_breaks_promises_of_bodies_elsewhere" ~out:[ rejected; rejected ] (fun () ->
        watch (never_on_workers ());
        watch (blocks "call" 60.));
    case "exit_lets_a_body_that_blocks_end_within_the_bound" ~out:[ rejected; "call ends" ] ~at_least:0.3 ~at_most:15.
      (fun () ->
        watch (blocks "call" 0.3);
        Lwt_main.run (until_began 1));
    case "exit_waits_for_a_body_that_blocks_no_longer_than_the_bound" ~out:[ rejected ] ~at_least:1. ~at_most:15. (fun () ->
        watch (blocks "call" 60.);
        Lwt_main.run (until_began 1));
    case "exit_frees_a_worker_that_waits_for_home" ~out:[ "worker: a broken promise" ] (fun () ->
        ignore (worker_runs_at_home "worker" (fun () -> 1)));
    case "exit_with_a_task_of_tokio_that_awaits_a_promise" (fun () ->
        let promise, _ = Lwt.wait () in
        ignore (tokio_awaits "task" promise);
        settle ();
        ignore (Sys.opaque_identity promise));
    case "exit_with_a_thread_that_never_stops_calling_home" (fun () ->
        ignore (thread_never_stops ());
        settle ());
    case "exit_with_a_resolver_in_a_thread_local" ~out:[ "pending" ] (fun () ->
        let promise = Lwt_main.run (kept_resolver ()) in
        settle ();
        if Lwt.is_sleeping promise then say "pending");
    case "exit_keeps_its_status" ~ending:(Exit 7) ~out:[ "future is dropped" ] (fun () ->
        ignore (never "future");
        settle ();
        exit 7);
    case "exit_3_with_ten_thousand_wakes_under_way" ~ending:(Exit 3) ~at_most:10. (fun () ->
        ten_thousand ignore;
        Lwt_main.run (tokio 1 |> Lwt.map ignore);
        exit 3);
    case "exit_3_from_the_midst_of_ten_thousand_wakes" ~ending:(Exit 3) ~at_most:10. (fun () ->
        let ended = ref 0 in
        ten_thousand (fun _ ->
            incr ended;
            if !ended = 3_000 then exit 3);
        Lwt_main.run (fst (Lwt.wait ())));
    case "uncaught_exception_drops_futures" ~ending:(Exit 2) ~out:[ "future is dropped"; rejected; "task is dropped" ]
      ~err:[ "Fatal error: exception Failure(\"uncaught\")" ] (fun () ->
        watch (never "future");
        ignore (tokio_never "task");
        Lwt_main.run (Lwt.map (fun _ -> failwith "uncaught") (after 10 1)));
    case "uncaught_exception_from_the_loop_drops_futures" ~ending:(Exit 2) ~out:[ "future is dropped"; rejected ]
      ~err:[ "Fatal error: exception Failure(\"in a hook\")" ] (fun () ->
        watch (never "future");
        ignore (Lwt_main.Leave_iter_hooks.add_last (fun () -> failwith "in a hook"));
        settle ());
    case "signal_that_kills_ends_the_process_at_once" ~ending:(Signal Sys.sigterm) (fun () ->
        ignore (never "future");
        ignore (blocking 60.);
        settle ();
        Unix.kill (Unix.getpid ()) Sys.sigterm;
        Unix.sleep 10);
    case "exit_of_rust_flushes_what_rust_has_printed" ~ending:(Exit 3) ~out:[ "the last words" ] (fun () ->
        ignore (Lwt_main.run (yield 1) : int);
        print "the last words";
        exit_of_rust 3);
    case "exit_with_a_lock_on_standard_output_that_is_never_released" ~at_most:10. (fun () ->
        Lwt_main.run (locks_standard_output ()));
    case "exit_flushes_what_rust_has_printed" ~out:[ "the last words" ] (fun () ->
        ignore (Lwt_main.run (yield 1) : int);
        print "the last words");
    case "exit_flushes_what_rust_has_printed_before_the_first_call" ~out:[ "the last words" ] (fun () ->
        print "the last words");
    case "exit_flushes_what_a_task_that_is_dropped_has_printed" ~out:[ "future is dropped"; "the last words" ] (fun () ->
        Lwt.on_failure (never "future") (fun _ -> print "the last words");
        settle ());
    case "at_exit_hooks_await_rust_in_either_order" ~out:[ "after"; works; "before"; works; "future is dropped" ]
      (fun () ->
        at_exit (fun () -> say "before"; Lwt_main.run (all_ways ()));
        ignore (never "future");
        at_exit (fun () -> say "after"; Lwt_main.run (all_ways ()));
        settle ());
    case "at_exit_hook_makes_the_first_call" ~out:[ works; "future is dropped"; rejected ] (fun () ->
        at_exit (fun () ->
            Lwt_main.run (all_ways ());
            watch (never "future")));
    case "exit_hook_of_lwt_makes_the_first_call" ~out:[ works; "future is dropped"; rejected ] (fun () ->
        Lwt_main.at_exit (fun () ->
            let+ () = all_ways () in
            watch (never "future")));
    case "exit_hook_that_raises_keeps_nobody_from_the_end" ~out:[ "future is dropped"; rejected ] (fun () ->
        Lwt_main.at_exit (fun () -> failwith "in an exit hook");
        watch (never "future");
        settle ());
    (* As in a program of Lwt's alone: its hook for such exceptions prints this one and exits. *)
    case "continuation_at_the_end_that_raises_ends_the_process" ~out:[ "future is dropped" ]
      ~err:[ "Failure(\"at the end\")" ] ~ending:(Exit 2) (fun () ->
        Lwt.on_failure (never "future") (fun _ -> failwith "at the end");
        settle ());
    case "continuation_at_the_end_that_raises_and_is_logged_keeps_nobody_from_it"
      ~out:[ "first is dropped"; "logged"; "second is dropped"; rejected ] (fun () ->
        (Lwt.async_exception_hook := fun _ -> say "logged");
        Lwt.on_failure (never "first") (fun _ -> failwith "at the end");
        watch (never "second");
        settle ());
  ]

(* On OCaml 5 it only raises an exception. *)
let thread_exit =
  let leaves () =
    ignore (tokio_busy ());
    ignore (Lwt_main.run (on_blocking_pool 1) : int);
    ignore (Sys.opaque_identity (never "future"));
    (Thread.exit [@alert "-deprecated"] [@warning "-3"]) ()
  in
  if Sys.ocaml_version >= "5" then []
  else
    [
      case "Thread_exit_on_the_main_thread_ends_the_process" ~at_most:10. leaves;
      case "Thread_exit_on_the_main_thread_ends_a_process_that_is_watched" ~at_most:10. ~env:[ ("RUST_ASYNC_WATCH", "1000") ] leaves;
    ]

let () = main (cases @ thread_exit @ List.map exit_from_everywhere places @ List.map exit_flushes more_places)
