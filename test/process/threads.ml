(* Systhreads, domains and Rust's threads: who calls Rust from where it cannot work is told so, and Rust's own threads
   may call home from everywhere. *)

open Lwt.Syntax
open Case
open Functions

let in_thread f =
  let result = ref None in
  Thread.join (Thread.create (fun () -> result := Some (f ())) ());
  Option.get !result

let start () = ignore (Lwt_main.run (tokio 1))
let thread_refused ?(reason = "was called on thread") () =
  misuse ~what:("process_ready " ^ reason) (fun () -> ready 1);
  misuse ~what:("process_sum " ^ reason) (fun () -> sum 1 2 3 4 5 6);
  misuse ~what:("process_call " ^ reason) (fun () -> call Lwt.return 1);
  misuse ~what:"Lwt_preemptive.run_in_main" (fun () -> yield 1)

(* Many at a time, each of which makes home and a thread wait for each other. *)
let many times f =
  let rec rounds n =
    if n = 0 then Lwt.return_unit
    else
      let calls = List.init 50 (fun i -> Lwt.map (fun got -> check "a call gave its own value" (got = i)) (f i)) in
      let* () = Lwt.join calls in
      rounds (n - 1)
  in
  Lwt_main.run (rounds (times / 50));
  say "%d calls" times

let refusals =
  [
    case "call_from_a_thread_is_refused" ~out:[ "1" ] (fun () ->
        start ();
        in_thread thread_refused;
        say "%d" (Lwt_main.run (tokio 1)));
    case "first_call_from_a_thread_that_does_not_run_lwt_yet_is_refused" ~out:[ "refused"; "1" ] (fun () ->
        in_thread (fun () -> misuse ~what:"process_tokio was called on thread" (fun () -> Lwt_main.run (tokio 1)));
        say "refused";
        say "%d" (Lwt_main.run (tokio 1)));
    case "first_call_before_a_threads_loop_has_begun_says_what_is_so" ~out:[ "1" ] (fun () ->
        in_thread (fun () ->
            misuse ~what:"which is not the main one, before Lwt's loop has begun a turn there" (fun () ->
                Lwt_main.run (tokio 1));
            (* As the text says. *)
            let in_the_loop = Lwt.bind (Lwt_unix.sleep 0.) (fun () -> tokio 1) in
            say "%d" (Lwt_main.run in_the_loop)));
    case "first_call_from_a_thread_is_refused" ~out:[ "1" ] (fun () ->
        in_thread thread_refused;
        say "%d" (Lwt_main.run (tokio 1)));
    case "first_call_from_a_thread_after_lwt_ran_is_refused" ~out:[ "1" ] (fun () ->
        Lwt_main.run (Lwt.pause ());
        in_thread thread_refused;
        say "%d" (Lwt_main.run (tokio 1)));
    case "call_from_a_thread_of_lwt_preemptive_is_refused" ~out:[ "1" ] (fun () ->
        start ();
        Lwt_main.run (Lwt_preemptive.detach thread_refused ());
        say "%d" (Lwt_main.run (tokio 1)));
    case "call_from_a_thread_while_the_loop_runs_is_refused" ~out:[ "1" ] (fun () ->
        let slow = after 100 1 in
        let thread = Thread.create thread_refused () in
        say "%d" (Lwt_main.run slow);
        Thread.join thread);
    case "arguments_survive_a_refusal_that_collects" ~out:[ "1" ] (fun () ->
        let collecting () =
          misuse ~what:"process_panic" (fun () -> panic (String.make 1000 'a'));
          Gc.compact ()
        in
        in_thread collecting;
        start ();
        in_thread collecting;
        say "%d" (Lwt_main.run (tokio 1)));
    case "run_in_main_works_in_a_thread" ~out:[ "4" ] (fun () ->
        let from_thread () = Lwt_preemptive.run_in_main (fun () -> let* a = tokio 1 in let+ b = after 2 3 in a + b) in
        say "%d" (Lwt_main.run (Lwt_preemptive.detach from_thread ())));
    case "plain_functions_of_rust_work_in_a_thread" ~out:[ "3" ] (fun () ->
        start ();
        say "%d" (in_thread (fun () -> plain_add 1 2)));
    case "threads_collect_while_rust_runs" ~out:[ "1000 calls" ] (fun () ->
        beside_collecting_threads 3 (fun () -> many 1000 (fun n -> Lwt.bind (tokio n) home_call)));
  ]

(* Lwt's loop may run on a thread of the program's: then that one is home. *)
let run_lwt_once () = Lwt_main.run (Lwt_unix.sleep 0.001)

let elsewhere =
  [
    case "lwt_on_a_thread_that_calls_first" ~out:[ "6"; "future is dropped" ] (fun () ->
        in_thread (fun () ->
            run_lwt_once ();
            say "%d" (Lwt_main.run (let* a = tokio 1 in let* b = after 2 2 in let+ c = home_call 3 in a + b + c));
            ignore (never "future");
            Rust_async.shutdown ()));
    case "lwt_on_a_thread_refuses_the_main_one" ~out:[ "1"; "2" ] (fun () ->
        in_thread (fun () ->
            run_lwt_once ();
            say "%d" (Lwt_main.run (tokio 1)));
        thread_refused ();
        in_thread thread_refused;
        say "2");
    case "lwt_on_a_thread_before_the_first_call_refuses_the_main_one" ~out:[ "refused" ] (fun () ->
        in_thread run_lwt_once;
        thread_refused ();
        say "refused");
    case "lwt_on_another_thread_than_the_calls_is_refused" ~out:[ "refused"; "1" ] (fun () ->
        let promise = after 50 1 in
        in_thread (fun () -> misuse ~what:"Lwt_main.run was called on thread" (fun () -> Lwt_main.run promise));
        say "refused";
        say "%d" (Lwt_main.run promise));
    case "exit_when_home_is_another_thread" ~out:[ "1"; "hook" ] (fun () ->
        Lwt_main.at_exit (fun () -> Lwt.return (say "hook"));
        in_thread (fun () ->
            run_lwt_once ();
            ignore (never "a future that nobody can drop");
            say "%d" (Lwt_main.run (tokio 1))));
    case "exit_on_the_thread_that_is_home" ~ending:(Exit 3) ~out:[ "1"; "hook"; "future is dropped" ] (fun () ->
        Lwt_main.at_exit (fun () -> let+ _ = tokio 1 in say "hook");
        in_thread (fun () ->
            run_lwt_once ();
            ignore (never "future");
            say "%d" (Lwt_main.run (tokio 1));
            exit 3));
  ]

let home =
  let echo name f = case (name ^ "_gives_its_value") ~out:[ "7" ] (fun () -> say "%d" (Lwt_main.run (f 7))) in
  [
    echo "closure_sent_home_by_a_worker" home_call;
    echo "closure_that_a_worker_waits_for" blocking_home_call;
    echo "closure_that_a_thread_for_blocking_work_waits_for" blocking_pool_home_call;
    echo "closure_that_a_thread_waits_for" thread_home_call;
    echo "ocaml_function_called_by_a_worker" (home_call_of (fun n -> n));
    case "run_blocking_at_home_is_refused" ~out:[ "refused" ] (fun () ->
        match Lwt_main.run (runs_at_home_from_home ()) with
        | _ -> ()
        | exception Rust_async.Misuse message ->
            check message (contains message ~part:"Handle::run_blocking was called on the domain thread");
            say "refused");
    case "run_blocking_inside_of_itself_is_refused" ~out:[ "refused" ] (fun () ->
        match Lwt_main.run (home_call_nested ()) with
        | _ -> ()
        | exception Rust_async.Misuse _ -> say "refused");
    case "panic_in_a_closure_is_the_callers_error" ~out:[ "boom"; "1" ] ~err:[ "boom" ] (fun () ->
        (match Lwt_main.run (home_call_panics "boom") with
        | _ -> ()
        | exception Rust_async.Rust_panic { message; _ } -> say "%s" message);
        say "%d" (Lwt_main.run (tokio 1)));
    case "exception_in_a_closure_is_the_callers_error" ~out:[ "Not_found"; "1" ] (fun () ->
        (match Lwt_main.run (home_call_of (fun _ -> raise Not_found) 1) with
        | _ -> ()
        | exception exn -> say "%s" (Printexc.to_string exn));
        say "%d" (Lwt_main.run (tokio 1)));
    case "thread_without_a_home_is_told_so" ~err:[ "handle() was called on a thread without"; "ocaml_runtime() was called" ]
      (fun () ->
        let messages = Lwt_main.run (off_home_panics ()) in
        check messages (contains messages ~part:"pass a Handle to this thread");
        check messages (contains messages ~part:"send a closure to the domain thread"));
    case "ocaml_thread_that_would_wait_for_home_is_refused" ~out:[ "refused"; "1" ] (fun () ->
        let home = Lwt_main.run (keep_handle ()) in
        let message = Lwt_main.run (Lwt_preemptive.detach waits home) in
        check message (contains message ~part:"holds OCaml's runtime lock");
        say "refused";
        say "%d" (Lwt_main.run (tokio 1)));
    case "ocaml_thread_that_has_released_the_lock_waits_for_home" ~out:[ "1" ] (fun () ->
        let home = Lwt_main.run (keep_handle ()) in
        say "%s" (Lwt_main.run (Lwt_preemptive.detach waits_released home)));
    case "blocking_call_that_would_wait_for_home_is_refused" ~out:[ "refused"; "1" ] (fun () ->
        let home = Lwt_main.run (keep_handle ()) in
        let told = ref "" in
        ignore (Lwt_main.run (blocking_call (fun n -> told := waits home; n) 1));
        check !told (contains !told ~part:"holds OCaml's runtime lock");
        say "refused";
        say "%d" (Lwt_main.run (tokio 1)));
    case "blocking_call_that_has_released_the_lock_waits_for_home" ~out:[ "1"; "1" ] (fun () ->
        let home = Lwt_main.run (keep_handle ()) in
        say "%d" (Lwt_main.run (blocking_call (fun n -> say "%s" (waits_released home); n) 1)));
    case "burst_of_closures_lets_lwt_have_its_turns" ~out:[ "100000 calls" ] ~at_most:60. (fun () ->
        let calls = closures 100_000 in
        let rec turn n = if Lwt.state calls <> Lwt.Sleep then Lwt.return n else Lwt.bind (Lwt.pause ()) (fun () -> turn (n + 1)) in
        let turns = Lwt_main.run (turn 0) in
        (* A tick polls 256 times at most, and a turn has two: one of the hook, one of the pause. *)
        check (Printf.sprintf "%d turns" turns) (turns >= 100_000 / 512 / 2);
        say "%d calls" (Lwt_main.run calls));
    case "many_closures_sent_home" ~out:[ "20000 calls" ] (fun () -> many 20_000 home_call);
    case "many_closures_that_workers_wait_for" ~out:[ "20000 calls" ] (fun () -> many 20_000 blocking_home_call);
    case "many_closures_that_one_worker_waits_for" ~out:[ "5000 calls" ]
      ~env:[ ("TOKIO_WORKER_THREADS", "1") ]
      (fun () -> many 5_000 blocking_home_call);
    case "many_closures_that_threads_for_blocking_work_wait_for" ~out:[ "5000 calls" ] (fun () ->
        many 5_000 blocking_pool_home_call);
    case "many_closures_that_threads_wait_for" ~out:[ "5000 calls" ] (fun () -> many 5_000 thread_home_call);
    case "many_ocaml_functions_called_by_workers" ~out:[ "20000 calls" ] (fun () ->
        many 20_000 (home_call_of (fun n -> Sys.opaque_identity (String.length (String.make n 'a')))));
    case "all_of_them_at_once" ~out:[ "10000 calls" ] (fun () ->
        let which =
          [| home_call; blocking_home_call; thread_home_call; home_call_of (fun n -> n); tokio; (fun n -> await (Lwt.map (fun () -> n) (Lwt.pause ()))); blocking_pool_home_call |]
        in
        many 10_000 (fun n -> which.(n mod Array.length which) n));
  ]

let watch =
  [
    case "block_on_at_home_of_what_needs_home_is_told"
      ~env:[ ("RUST_ASYNC_WATCH", "0.2") ]
      ~out:[ "-1"; works ]
      ~err:[ "Lwt stands still"; "block_on"; "await it instead" ]
      (fun () ->
        say "%d" (Lwt_main.run (blocks_on (Lwt.map (fun () -> 1) (Lwt.pause ()))));
        Lwt_main.run (all_ways ()));
  ]

let () = main (watch @ refusals @ elsewhere @ home @ Domains.cases)
