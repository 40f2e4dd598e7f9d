(* [Rust_async.shutdown], called by the program. *)

open Lwt.Syntax
open Case
open Functions

let shutdown () = Rust_async.shutdown ~timeout:0.5 ()
(* Lwt goes on as if nothing had been. *)
let lwt_works () =
  let* () = Lwt.pause () in
  let+ () = Lwt_unix.sleep 0.002 in
  say "Lwt works"

(* A signal a moment later, and what its handler does. *)
let alarm f =
  Sys.set_signal Sys.sigalrm (Signal_handle (fun _ -> f ()));
  ignore (Unix.setitimer ITIMER_REAL { it_value = 0.1; it_interval = 0. })

let refused () =
  misuse ~what:"process_ready was called after Rust_async.shutdown" (fun () -> ready 1);
  misuse ~what:"process_sum" (fun () -> sum 1 2 3 4 5 6)

let lent_for_ever = Rust_half.Arrays.arrays_never
let gate_is_open = Rust_half.Arrays.arrays_gate
let came_to_the_gate = Rust_half.Arrays.arrays_came_to_the_gate
let lent_to_a_thread = Rust_half.Arrays.arrays_behind_the_gate

let cases =
  [
    case "shutdown_gives_back_what_nobody_writes_to" ~out:[ "home: " ^ broken; "worker: " ^ broken; "thread: " ^ broken; "3 3 0"; "Lwt works" ]
      (fun () ->
        let array () = Lwt_bytes.of_string "abc" in
        let home = array () and worker = array () and thread = array () in
        let at_home = as_int (lent_for_ever Domain home) and on_a_worker = as_int (lent_for_ever Tokio worker) in
        gate_is_open false;
        let on_a_thread = as_int (lent_to_a_thread thread) in
        let rec writes () = if came_to_the_gate () = 1 then Lwt.return_unit else Lwt.bind (Lwt_unix.sleep 0.001) writes in
        Lwt_main.run (writes ());
        shutdown ();
        Lwt_main.run (say_ending "home" at_home);
        Lwt_main.run (say_ending "worker" on_a_worker);
        Lwt_main.run (say_ending "thread" on_a_thread);
        say "%d %d %d" (Lwt_bytes.length home) (Lwt_bytes.length worker) (Lwt_bytes.length thread);
        Lwt_main.run (lwt_works ()));
    case "shutdown_rejects_what_is_pending_and_refuses_calls"
      ~out:[ "future is dropped"; "future: " ^ broken; "task: " ^ broken; "task is dropped"; "Lwt works"; "Lwt works" ]
      (fun () ->
        let future = say_ending "future" (as_int (never "future")) in
        let task = say_ending "task" (as_int (tokio_never "task")) in
        Lwt_main.run (Lwt_unix.sleep 0.01);
        shutdown ();
        refused ();
        Lwt_main.run (Lwt.join [ future; task ]);
        Lwt_main.run (lwt_works ());
        shutdown ();
        shutdown ();
        refused ();
        Lwt_main.run (lwt_works ()));
    case "shutdown_ends_bodies_on_the_threads_of_tokio"
      ~out:[ "body is dropped"; "body: " ^ broken; "call: " ^ broken; "Lwt works" ] ~at_most:15. (fun () ->
        let body = as_int (noisy_on_workers "body") and call = as_int (blocks "call" 60.) in
        Lwt_main.run (until_began 2);
        shutdown ();
        misuse ~what:"process_on_workers was called after Rust_async.shutdown" (fun () -> on_workers 1);
        misuse ~what:"process_on_blocking_pool was called after" (fun () -> on_blocking_pool 1);
        Lwt_main.run (Lwt.bind (say_ending "body" body) (fun () -> say_ending "call" call));
        Lwt_main.run (lwt_works ()));
    case "shutdown_ends_streams"
      ~out:
        [
          "waits is dropped";
          "idle is dropped";
          "unread is dropped";
          "waits: " ^ broken;
          "idle: 1";
          "idle: 2";
          "idle: " ^ broken;
          "idle: 0";
          "unread: " ^ broken;
          "Lwt works";
        ]
      (fun () ->
        let item stream = Lwt.map (Option.value ~default:0) (Lwt.apply Lwt_stream.get stream) in
        let waits = stream "waits" 0 and idle = stream "idle" 3 and unread = stream "unread" 3 in
        let waiting = item waits in
        ignore (Lwt_main.run (item idle));
        shutdown ();
        Lwt_main.run (say_ending "waits" waiting);
        (* What has crossed is there. *)
        let rec drain n =
          if n = 0 then Lwt.return_unit
          else
            let* () = say_ending "idle" (item idle) in
            drain (n - 1)
        in
        Lwt_main.run (drain 4);
        Lwt_main.run (say_ending "unread" (item unread));
        misuse ~what:"process_stream was called after Rust_async.shutdown" (fun () -> stream "late" 1);
        Lwt_main.run (lwt_works ()));
    case "shutdown_ends_reads_of_streams" ~out:[ "reads is dropped"; "1"; "Lwt works" ]
      (fun () ->
        let ocaml, push = Lwt_stream.create () in
        push (Some 1);
        push (Some 2);
        ignore (Lwt_main.run (reads_stream "reads" ocaml));
        let rec waits () =
          if (Rust_async.stats ()).subscriptions = 1 then Lwt.return_unit else Lwt.bind (Lwt_unix.sleep 0.001) waits
        in
        Lwt_main.run (waits ());
        shutdown ();
        push (Some 3);
        say "%d" (List.length (Lwt_stream.get_available ocaml));
        Lwt_main.run (lwt_works ()));
    case "shutdown_before_the_first_call_does_nothing" ~out:[ "1" ] (fun () ->
        shutdown ();
        say "%d" (Lwt_main.run (yield 1)));
    case "shutdown_in_the_loop_lets_the_loop_go_on" ~out:[ "future is dropped"; "future: " ^ broken; "Lwt works" ]
      (fun () ->
        let future = say_ending "future" (as_int (never "future")) in
        Lwt_main.run
          (let* _ = yield 1 in
           shutdown ();
           refused ();
           let* () = future in
           lwt_works ()));
    case "shutdown_in_a_function_that_rust_calls" ~out:[ "now: 1"; "later: 1"; "Lwt works" ] (fun () ->
        let f n =
          shutdown ();
          refused ();
          n
        in
        let later = call_later f 1 in
        Lwt_main.run (say_ending "now" (call_now f 1));
        ignore later;
        say "later: 1";
        Lwt_main.run (lwt_works ()));
    case "shutdown_in_a_function_that_a_tick_calls" ~out:[ "1"; "Lwt works" ] (fun () ->
        let f n =
          shutdown ();
          n
        in
        Lwt_main.run
          (let* n = call_later f 1 in
           say "%d" n;
           lwt_works ()));
    case "shutdown_breaks_the_promise_of_a_task_that_runs" ~out:[ "call: " ^ broken; "Lwt works" ] (fun () ->
        let f n =
          shutdown ();
          Lwt.map (fun () -> n) (Lwt.pause ())
        in
        Lwt_main.run
          (let* () = say_ending "call" (call f 1) in
           lwt_works ()));
    case "shutdown_breaks_promises_whose_resolvers_are_elsewhere" ~out:[ "promise: " ^ broken ] (fun () ->
        let promise = Lwt_main.run (tokio_resolves 60_000 1) in
        shutdown ();
        Lwt_main.run (say_ending "promise" promise));
    case "shutdown_breaks_promises_whose_resolvers_are_at_home" ~out:[ "promise: " ^ broken ] (fun () ->
        let promise = Lwt_main.run (kept_resolver ()) in
        shutdown ();
        Lwt_main.run (say_ending "promise" promise));
    case "shutdown_delivers_what_was_resolved_before" ~out:[ "promise: 1" ] (fun () ->
        let promise = Lwt_main.run (tokio_resolves 0 1) in
        shutdown ();
        Lwt_main.run (say_ending "promise" promise));
    case "shutdown_frees_threads_that_wait_for_home" ~out:[ "worker: a broken promise" ] (fun () ->
        Lwt_main.run (worker_runs_at_home "worker" (fun () -> 1));
        shutdown ());
    case "thread_that_calls_home_after_shutdown_gets_an_error" ~out:[ "thread: a broken promise" ] (fun () ->
        Lwt_main.run (thread_runs_at_home "thread" 0.1 (fun () -> 1));
        shutdown ();
        Lwt_main.run (Lwt_unix.sleep 1.));
    case "thread_that_awaits_home_after_shutdown_gets_an_error" ~out:[ "thread: a broken promise" ] (fun () ->
        Lwt_main.run (thread_awaits_home "thread" 0.1);
        shutdown ();
        Lwt_main.run (Lwt_unix.sleep 1.));
    case "thread_that_awaits_home_during_shutdown_gets_an_error" ~out:[ "thread: a broken promise" ] (fun () ->
        Lwt_main.run (thread_awaits_home "thread" 0.);
        Unix.sleepf 0.05;
        shutdown ();
        Lwt_main.run (Lwt_unix.sleep 1.));
    case "thread_that_awaits_a_promise_gets_an_error_at_shutdown" ~out:[ "thread: a broken promise"; "pending" ] (fun () ->
        let promise, resolver = Lwt.wait () in
        Lwt_main.run (thread_awaits "thread" promise);
        (* The thread is as slow as the machine is busy. *)
        let rec until_awaited () =
          if (Rust_async.stats ()).subscriptions = 1 then Lwt.return_unit
          else Lwt.bind (Lwt_unix.sleep 0.01) until_awaited
        in
        Lwt_main.run (until_awaited ());
        shutdown ();
        check "nobody waits" ((Rust_async.stats ()).subscriptions = 0);
        Lwt_main.run (Lwt_unix.sleep 1.);
        say "%s" (if Lwt.state promise = Lwt.Sleep then "pending" else "cancelled");
        Lwt.wakeup resolver 1);
    case "shutdown_does_not_wait_for_a_thread_that_awaits_a_promise" ~out:[ "body: a broken promise" ] (fun () ->
        let promise = fst (Lwt.wait ()) in
        ignore (blocks_on_promise "body" promise);
        let rec until_awaited () =
          if (Rust_async.stats ()).subscriptions = 1 then Lwt.return_unit
          else Lwt.bind (Lwt_unix.sleep 0.01) until_awaited
        in
        Lwt_main.run (until_awaited ());
        Rust_async.shutdown ~timeout:infinity ());
    case "task_spawned_at_home_after_shutdown_gives_an_error" ~out:[ "task: a broken promise" ] (fun () ->
        ignore (spawn_when_dropped "task");
        shutdown ());
    case "shutdown_waits_no_longer_than_its_timeout" ~at_least:0.5 ~at_most:15. ~out:[ "blocking: " ^ broken ] (fun () ->
        let blocking = say_ending "blocking" (as_int (blocking 60.)) in
        shutdown ();
        Lwt_main.run blocking);
    case "shutdown_with_no_time_at_all" ~at_most:10. (fun () ->
        ignore (blocking 60.);
        Rust_async.shutdown ~timeout:0. ();
        Rust_async.shutdown ~timeout:(-1.) ();
        Rust_async.shutdown ~timeout:Float.nan ());
    case "shutdown_without_an_end" ~at_least:0.5 ~at_most:15. (fun () ->
        ignore (blocking 0.5);
        Rust_async.shutdown ~timeout:infinity ());
    case "shutdown_for_nan_is_one_with_no_time_at_all" ~at_most:10. (fun () ->
        ignore (blocking 60.);
        Rust_async.shutdown ~timeout:nan ());
    case "other_threads_run_while_shutdown_waits" ~out:[ "thread runs"; "shut down" ] (fun () ->
        ignore (blocking 60.);
        let thread = Thread.create (fun () -> Thread.delay 0.1; say "thread runs") () in
        shutdown ();
        say "shut down";
        Thread.join thread);
    case "shutdown_in_another_thread_is_refused" ~out:[ "1" ] (fun () ->
        ignore (Lwt_main.run (yield 1));
        let shut_down () = misuse ~what:"Rust_async.shutdown was called on thread" shutdown in
        Thread.join (Thread.create shut_down ());
        say "%d" (Lwt_main.run (yield 1)));
    case "exception_from_a_continuation_leaves_shutdown_after_the_rest"
      ~out:[ "first is dropped"; "second is dropped"; "second: " ^ broken; "raised: Failure(\"at the end\")"; "Lwt works" ]
      (fun () ->
        Lwt.async_exception_hook := raise;
        Lwt.on_failure (never "first") (fun _ -> failwith "at the end");
        ignore (say_ending "second" (as_int (never "second")));
        (try shutdown () with exn -> say "raised: %s" (Printexc.to_string exn));
        refused ();
        Lwt_main.run (lwt_works ()));
    case "interrupt_while_futures_are_dropped_leaves_shutdown_after_the_rest"
      ~out:[ "second is dropped"; "task is dropped"; "raised: Stdlib.Sys.Break"; "Lwt works" ] (fun () ->
        Sys.catch_break true;
        ignore (interrupts_when_dropped ());
        ignore (never "second");
        ignore (tokio_never "task");
        Lwt_main.run (Lwt_unix.sleep 0.01);
        (try shutdown () with exn -> say "raised: %s" (Printexc.to_string exn));
        shutdown ();
        refused ();
        Lwt_main.run (lwt_works ()));
    (* No OCaml code runs between the interrupt and the wait for Tokio, which begins with pending signals. *)
    case "interrupt_just_before_the_wait_leaves_shutdown_after_it"
      ~out:[ "task is dropped"; "raised: Stdlib.Sys.Break"; "Lwt works" ] (fun () ->
        Sys.catch_break true;
        ignore (tokio_never "task");
        Lwt_main.run (detached_interrupts_when_dropped ());
        Lwt_main.run (Lwt_unix.sleep 0.01);
        (try
           shutdown ();
           ignore (Sys.opaque_identity (ref 0));
           Unix.sleepf 0.001
         with exn -> say "raised: %s" (Printexc.to_string exn));
        refused ();
        Lwt_main.run (lwt_works ()));
    case "interrupt_ends_a_wait_without_an_end" ~out:[ "blocking: " ^ broken; "raised: Stdlib.Sys.Break"; "Lwt works" ] ~at_most:15.
      (fun () ->
        let blocking = say_ending "blocking" (as_int (blocking 60.)) in
        alarm (fun () -> raise Sys.Break);
        (try Rust_async.shutdown ~timeout:infinity () with exn -> say "raised: %s" (Printexc.to_string exn));
        Lwt_main.run blocking;
        refused ();
        Lwt_main.run (lwt_works ()));
    case "signal_whose_handler_returns_does_not_end_the_wait" ~out:[ "handled" ] ~at_least:0.5 (fun () ->
        ignore (blocking 0.5);
        alarm (fun () -> say "handled");
        Rust_async.shutdown ~timeout:infinity ());
  ]

let () = main cases
