(* Tokio's runtime: what it is like, and a program's own. *)

open Lwt.Syntax
open Case
open Functions

let workers () = say "%d workers" (Lwt_main.run (workers ()))
let workers_of_environment n = [ ("TOKIO_WORKER_THREADS", n) ]
let stack_size () = Lwt_main.run (stack_size ())

let failure part f =
  match f () with
  | _ -> check "it did not fail" false
  | exception Failure message -> check message (contains message ~part)

let invalid part f =
  match f () with
  | () -> check (part ^ ": accepted") false
  | exception Invalid_argument message ->
      check message (contains message ~part:("Rust_async.configure: " ^ part))

let too_late = "was configured after it had started"

let cases =
  [
    case "size_from_the_environment" ~env:(workers_of_environment "3") ~out:[ "3 workers"; works ] (fun () ->
        workers ();
        Lwt_main.run (all_ways ()));
    case "one_worker_is_enough" ~env:(workers_of_environment "1") ~out:[ "1 workers"; works ] (fun () ->
        workers ();
        Lwt_main.run (all_ways ()));
    case "one_thread_for_blocking_calls_is_enough" ~out:[ "1 workers"; works ] (fun () ->
        Rust_async.configure ~worker_threads:1 ~max_blocking_threads:1 ();
        workers ();
        Lwt_main.run (all_ways ()));
    case "size_from_ocaml_wins" ~env:(workers_of_environment "3") ~out:[ "2 workers"; works ] (fun () ->
        Rust_async.configure ~worker_threads:2 ();
        workers ();
        Lwt_main.run (all_ways ()));
    case "last_size_wins" ~out:[ "3 workers" ] (fun () ->
        Rust_async.configure ~worker_threads:2 ();
        check "set from Rust" (configure 4 1 = "");
        Rust_async.configure ~worker_threads:3 ();
        workers ());
    case "size_from_rust" ~out:[ "4 workers" ] (fun () ->
        check "set from Rust" (configure 4 1 = "");
        workers ());
    case "what_is_not_said_stays" ~out:[ "4 workers"; "mine" ] (fun () ->
        check "set from Rust" (configure 4 1 = "");
        Rust_async.configure ();
        Rust_async.configure ~thread_name:"mine" ();
        workers ();
        say "%s" (Lwt_main.run (worker_name ())));
    case "size_is_refused_after_the_first_call" ~out:[ "works"; works ] (fun () ->
        ignore (Lwt_main.run (tokio 1));
        misuse ~what:"Rust_async.configure was called after" (Rust_async.configure ~worker_threads:2);
        misuse ~what:"Rust_async.configure was called after" Rust_async.configure;
        check "refused from Rust" (contains (configure 2 1) ~part:too_late);
        say "works";
        Lwt_main.run (all_ways ()));
    case "what_is_out_of_range_is_refused" ~out:[ works ] (fun () ->
        let open Rust_async in
        invalid "worker_threads: 0 is not" (configure ~worker_threads:0);
        invalid "worker_threads: 0 is not" (configure ~worker_threads:(-1));
        invalid "worker_threads: 65536 is not" (configure ~worker_threads:65536);
        invalid "max_blocking_threads" (configure ~max_blocking_threads:0);
        invalid "max_blocking_threads" (configure ~max_blocking_threads:max_int);
        invalid "thread_stack_size" (configure ~thread_stack_size:65535);
        invalid "thread_stack_size" (configure ~thread_stack_size:max_int);
        invalid "thread_name: it has a zero byte" (configure ~thread_name:"a\000b");
        invalid "thread_name: not valid UTF-8" (configure ~thread_name:"\xff");
        List.iter
          (fun seconds -> invalid "thread_keep_alive" (configure ~thread_keep_alive:seconds))
          [ -1.; nan; infinity; 1e30 ];
        (* As a whole: nothing of it is set. *)
        invalid "thread_stack_size" (configure ~worker_threads:7 ~thread_stack_size:0);
        List.iter
          (fun which -> check "refused from Rust" (configure_wrongly which <> ""))
          [ 0; 1; 2; 3; 4 ];
        check "the size is the default" (Lwt_main.run (Functions.workers ()) <> 7);
        Lwt_main.run (all_ways ()));
    case "size_that_is_no_number_is_a_failure_and_stays_one" ~env:(workers_of_environment "many") ~out:[ "refused" ]
      (fun () ->
        failure "TOKIO_WORKER_THREADS" (fun () -> ready 1);
        failure "TOKIO_WORKER_THREADS" (fun () -> tokio 1);
        say "refused");
    case "size_of_zero_is_a_failure" ~env:(workers_of_environment "0") ~out:[ "refused" ] (fun () ->
        failure "TOKIO_WORKER_THREADS" (fun () -> ready 1);
        say "refused");
    case "workers_have_a_name" ~out:[ "tokio-ocaml" ] (fun () -> say "%s" (Lwt_main.run (worker_name ())));
    case "workers_have_the_name_from_ocaml" ~out:[ "mine" ] (fun () ->
        Rust_async.configure ~thread_name:"mine" ();
        say "%s" (Lwt_main.run (worker_name ())));
    case "workers_have_names_from_rust" ~out:[ "true" ] (fun () ->
        check "set" (name_threads "mine" = "");
        let name = Lwt_main.run (worker_name ()) in
        say "%b" (name = "mine-0" || name = "mine-1"));
    case "stack_has_the_size_from_ocaml" ~out:[ "true" ] (fun () ->
        Rust_async.configure ~thread_stack_size:(5 lsl 20) ();
        let size = stack_size () in
        say "%b" (5 lsl 20 <= size && size < 6 lsl 20));
    case "blocking_calls_wait_for_their_turn" ~out:[ "1"; "first ends"; "second ends" ] (fun () ->
        Rust_async.configure ~max_blocking_threads:1 ();
        let first = blocks_until_released "first" in
        let second = blocks "second" 0. in
        Lwt_main.run (Lwt.bind (until_began 1) (fun () -> Lwt_unix.sleep 0.01));
        say "%d" (Lwt_main.run (began ()));
        Lwt_main.run (Lwt.join [ release (); first; second ]));
    case "cancelled_call_that_has_not_begun_never_begins" ~out:[ "first ends"; "third ends"; "2" ] (fun () ->
        Rust_async.configure ~max_blocking_threads:1 ();
        let first = blocks_until_released "first" in
        let second = blocks "second" 0. in
        let third = blocks "third" 0. in
        Lwt_main.run (until_began 1);
        Lwt.cancel second;
        check "canceled" (Lwt.state second = Lwt.Fail Lwt.Canceled);
        Lwt_main.run (Lwt.join [ release (); first; third ]);
        say "%d" (Lwt_main.run (began ())));
    case "thread_of_blocking_calls_ends_when_it_has_been_idle" ~out:[ "it ended" ] (fun () ->
        Rust_async.configure ~thread_keep_alive:0. ();
        let before = Lwt_main.run (threads ()) in
        ignore (Lwt_main.run (on_blocking_pool 1));
        let rec until_ended () =
          let* now = threads () in
          if now <= before then Lwt.return_unit else Lwt.bind (Lwt_unix.sleep 0.005) until_ended
        in
        Lwt_main.run (until_ended ());
        say "it ended");
    case "runtime_of_the_program" ~out:[ "mine"; "1 workers"; "true"; works; "future is dropped" ] (fun () ->
        check "set" (bring_runtime "mine" = "");
        say "%s" (Lwt_main.run (worker_name ()));
        workers ();
        say "%b" (Lwt_main.run (one_runtime ()));
        ignore (never "future");
        Lwt_main.run (all_ways ()));
    case "size_of_the_runtime_of_the_program_is_its_own" ~out:[ "1 workers" ] (fun () ->
        check "set" (bring_runtime "mine" = "");
        misuse ~what:"Rust_async.configure" (Rust_async.configure ~worker_threads:2);
        check "refused from Rust" (contains (configure 2 1) ~part:too_late);
        workers ());
    case "end_of_the_runtime_of_the_program_breaks_promises"
      ~out:[ "pending: " ^ broken; "worker: " ^ broken; "blocking: " ^ broken ] (fun () ->
        check "set" (bring_runtime "mine" = "");
        let pending = say_ending "pending" (as_int (never_on_workers ())) in
        Lwt_main.run (until_began 1);
        end_runtime ();
        Lwt_main.run pending;
        Lwt_main.run (say_ending "worker" (on_workers 1));
        Lwt_main.run (say_ending "blocking" (on_blocking_pool 1)));
    case "runtime_of_the_program_is_not_shut_down" ~out:[ "shut down" ] ~at_most:10. (fun () ->
        check "set" (bring_runtime "mine" = "");
        ignore (blocking 60.);
        ignore (tokio_busy ());
        Rust_async.shutdown ();
        say "shut down");
    case "second_runtime_is_refused" ~out:[ "true"; works ] (fun () ->
        Lwt_main.run (Lwt.map ignore (tokio 1));
        check "refused" (contains (bring_runtime "mine") ~part:"was set after it had started");
        say "%b" (Lwt_main.run (one_runtime ()));
        Lwt_main.run (all_ways ()));
    case "second_worker_that_the_system_refuses_is_a_failure_and_the_next_call_tries_again"
      ~out:[ "refused"; "refused"; works ]
      (fun () ->
        Rust_async.configure ~worker_threads:2 ~thread_stack_size:(1 lsl 30) ();
        (* Enough for one stack, and for what else a thread takes. *)
        limit_memory (3 lsl 29);
        for _ = 1 to 2 do
          failure "Tokio's runtime could not start: OS can't spawn worker thread" (fun () -> ready 1);
          say "refused"
        done;
        unlimit_memory ();
        Rust_async.configure ~thread_stack_size:(1 lsl 21) ();
        Lwt_main.run (all_ways ()));
    case "name_that_asks_for_the_runtime_is_a_failure" ~out:[ "refused"; "refused" ] (fun () ->
        check "set" (names_that "ask for the runtime" = "");
        for _ = 1 to 2 do
          failure "Tokio's runtime was asked for by what makes it" (fun () -> ready 1);
          say "refused"
        done);
    case "name_that_configures_is_too_late" ~out:[ "Tokio's runtim"; works ] (fun () ->
        check "set" (names_that "configure" = "");
        say "%s" (Lwt_main.run (worker_name ()));
        Lwt_main.run (all_ways ()));
    case "name_that_catches_its_panic_is_one" ~out:[ works ] ~err:[ "a name" ] (fun () ->
        check "set" (names_that "catch a panic" = "");
        Lwt_main.run (all_ways ()));
    case "name_that_panics_for_the_second_worker_is_a_failure" ~out:[ works ] (fun () ->
        check "set" (names_that "panic for the second" = "");
        failure "no second name" (fun () -> ready 1);
        Lwt_main.run (all_ways ()));
    case "name_that_unwinds_for_the_second_worker_is_a_failure" ~out:[ works ] (fun () ->
        check "set" (names_that "unwind for the second" = "");
        failure "unwinds" (fun () -> ready 1);
        Lwt_main.run (all_ways ()));
    case "call_in_a_signal_handler_of_the_first_call_starts_one_executor" ~out:[ "3"; "4"; works ] (fun () ->
        let promise = ref (Lwt.return 0) in
        Sys.set_signal Sys.sigusr1 (Signal_handle (fun _ -> promise := yield 3));
        unseen_signal ();
        let first = yield 4 in
        say "%d" (Lwt_main.run (Lwt.bind (Lwt.pause ()) (fun () -> !promise)));
        say "%d" (Lwt_main.run first);
        Lwt_main.run (all_ways ()));
    case "guard_in_a_variable_of_a_thread_goes_with_it" ~out:[ "1"; "1" ] (fun () ->
        say "%d" (Lwt_main.run (guard_in_a_thread false));
        say "%d" (Lwt_main.run (guard_in_a_thread true)));
  ]

let () = main cases
