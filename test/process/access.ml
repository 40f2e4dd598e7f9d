(* Every way to touch OCaml, tried where it may not be touched: in the collector, on other threads, without the lock, in
   functions that the bridge does not know. What is not refused there corrupts memory, sooner or later. *)

open Lwt.Syntax
open Case
open Functions

type object_

external prepare : (int -> int) -> (int -> int) -> 'a -> unit Lwt.t = "interop_tests__process_access_prepare"
let here = Rust_half.Process.Access.process_access_here
external unknown : string -> string = "process_access_unknown"
let elsewhere = Rust_half.Process.Access.process_access_elsewhere
let unlocked = Rust_half.Process.Access.process_access_unlocked
external object_ : unit -> object_ = "process_access_object"
let at_once = Rust_half.Process.Access.process_access_at_once
let sync_add = Rust_half.Process.Access.process_sync_add
let sync_length = Rust_half.Process.Access.process_sync_length
let sync_call = Rust_half.Process.Access.process_sync_call
let sync_spawn = Rust_half.Process.Access.process_sync_spawn
let allocate = Rust_half.Process.Access.process_access_allocate

let refused = "18 of 18 refused"
let in_collector = "in the collector: " ^ refused

let prepare () =
  let raises _ = failwith "raised" in
  Lwt_main.run (prepare (fun n -> say "OCaml code ran"; n) raises (Some 1))

let case ?out name f =
  case ?out name (fun () ->
      prepare ();
      f ())

(* In functions of their own, so that no register keeps what they made. *)
let[@inline never] make () = ignore (Sys.opaque_identity (object_ ()))

let[@inline never] make_old () =
  let kept = Sys.opaque_identity (object_ ()) in
  Gc.minor ();
  Gc.minor ();
  ignore (Sys.opaque_identity kept)

let collect () =
  Gc.full_major ();
  Gc.full_major ()

let in_a_tick f = Lwt_main.run (Lwt.map f (yield 1))

let collector =
  [
    case "young_object_collected_in_a_tick" ~out:[ in_collector ] (fun () ->
        in_a_tick (fun _ ->
            make ();
            Gc.minor ()));
    case "old_object_collected_in_a_tick" ~out:[ in_collector ] (fun () ->
        in_a_tick (fun _ ->
            make_old ();
            collect ()));
    case "object_collected_by_a_function_that_rust_calls" ~out:[ in_collector; "1" ] (fun () ->
        let collects n =
          make_old ();
          collect ();
          n
        in
        say "%d" (Lwt_main.run (call_now collects 1)));
    case "object_collected_on_a_blocking_call" ~out:[ in_collector; "1" ] (fun () ->
        let collects n =
          make_old ();
          collect ();
          n
        in
        say "%d" (Lwt_main.run (blocking_call collects 1)));
    case "young_object_collected_out_of_the_loop" ~out:[ in_collector ] (fun () ->
        make ();
        Gc.minor ());
    case "old_object_collected_out_of_the_loop" ~out:[ in_collector ] (fun () ->
        make_old ();
        collect ());
    case "young_object_collected_by_an_allocation_of_rusts" ~out:[ in_collector; "true" ] (fun () ->
        make ();
        say "%b" (Lwt_main.run (allocate ())));
    case "old_object_collected_by_an_allocation_of_rusts" ~out:[ in_collector; "true" ] (fun () ->
        make_old ();
        say "%b" (Lwt_main.run (allocate ())));
    case "object_collected_by_an_allocation_in_a_tick" ~out:[ in_collector; "true" ] (fun () ->
        Lwt_main.run
          (let* _ = yield 1 in
           make ();
           let* collected = allocate () in
           say "%b" collected;
           Lwt.return_unit));
  ]

let named said = List.length (List.filter (contains ~part:" was done") (String.split_on_char ';' said))

let places =
  [
    case "nothing_is_refused_in_a_function_of_the_bridges"
      (* And with a text that none has, each attempt would have been named. *) ~out:[ "OCaml code ran"; "18 were done" ]
      (fun () ->
        say "%d were done" (named (Lwt_main.run (here ""))));
    case "nothing_is_touched_on_another_thread" ~out:[ refused ] (fun () ->
        say "%s" (Lwt_main.run (elsewhere "cannot be touched")));
    case "nothing_is_touched_without_the_lock" ~out:[ refused ] (fun () ->
        say "%s" (Lwt_main.run (unlocked "lock was released")));
    case "nothing_is_touched_in_a_function_that_is_not_the_bridges" ~out:[ refused; refused ] (fun () ->
        say "%s" (unknown "#[func(sync)]");
        in_a_tick (fun _ -> say "%s" (unknown "#[func(sync)]")));
    case "nothing_is_touched_in_such_a_function_on_a_blocking_call" ~out:[ refused; "1" ] (fun () ->
        let tries n =
          say "%s" (unknown "cannot be touched");
          n
        in
        say "%d" (Lwt_main.run (blocking_call tries 1)));
  ]

let on_a_thread f = Thread.join (Thread.create f ())
let said f = match f () with n -> say "%d" n | exception exn -> say "%s" (Printexc.to_string exn)

let say_values_and_errors () =
  said (fun () -> sync_add 1 2);
  said (fun () -> sync_add 0 2);
  said (fun () -> sync_add 1 0);
  said (fun () -> sync_length "\xff")

let values_and_errors =
  [
    "3";
    "Rust_async.Rust_panic: a is zero";
    "Rust_async.Rust_error: b is zero";
    "Invalid_argument(\"process_sync_length: argument 1 (text): not valid UTF-8 (byte 0 of 1); take a ByteBuf for bytes that are \
     not text\")";
  ]

let without_a_promise =
  [
    case "nothing_is_refused_in_a_function_without_a_promise" ~out:[ "OCaml code ran"; "18" ] (fun () ->
        say "%d" (named (at_once "")));
    case "function_without_a_promise_gives_its_value_or_raises"
      ~out:(values_and_errors @ [ "5"; "Not_found"; "6" ])
      (fun () ->
        say_values_and_errors ();
        said (fun () -> sync_call succ 4);
        said (fun () -> sync_call (fun _ -> raise Not_found) 4);
        in_a_tick (fun _ -> said (fun () -> sync_call succ 5)));
    case "function_without_a_promise_spawns" ~out:[ "7" ] (fun () ->
        let promise, resolver = Lwt.wait () in
        sync_spawn
          (fun n ->
            Lwt.wakeup_later resolver n;
            n)
          7;
        say "%d" (Lwt_main.run promise));
    case "function_without_a_promise_is_for_every_thread"
      ~out:(values_and_errors @ [ "a function is for the thread that runs Lwt" ])
      (fun () ->
        on_a_thread (fun () ->
            say_values_and_errors ();
            match sync_call succ 4 with
            | _ -> say "a function was taken"
            | exception Invalid_argument _ -> say "a function is for the thread that runs Lwt"));
    case "function_without_a_promise_is_for_a_detached_call" ~out:[ "1000 sums" ] (fun () ->
        let call n = Lwt_preemptive.detach (fun () -> sync_add n 1) () in
        let sums = Lwt_main.run (Lwt_list.map_p call (List.init 1_000 succ)) in
        check "each is right" (sums = List.init 1_000 (fun n -> n + 2));
        say "%d sums" (List.length sums));
    case "threads_that_call_leave_nothing" ~out:[ "as before" ] (fun () ->
        let descriptors () = Array.length (Sys.readdir "/proc/self/fd") in
        let call n = Thread.create (fun () -> check "a sum" (sync_add (n + 1) 1 = n + 2)) () in
        let round () = List.iter Thread.join (List.init 10 call) in
        round ();
        let before = descriptors () in
        for _ = 1 to 100 do
          round ()
        done;
        (* So many threads at a time have one each. *)
        check "descriptors" (descriptors () <= before + 10);
        say "as before");
    case "threads_call_while_lwt_runs" ~out:[ "all" ] (fun () ->
        let stop = ref false in
        let rec call n =
          if not !stop then begin
            check "a sum" (sync_add n 1 = n + 1);
            (match sync_add 0 1 with _ -> check "it panics" false | exception Rust_async.Rust_panic _ -> ());
            Thread.yield ();
            call (n + 1)
          end
        in
        let threads = List.init 4 (fun _ -> Thread.create call 1) in
        let rec turns n =
          if n = 0 then Lwt.return_unit
          else
            let* () = Lwt_unix.sleep 0. in
            Gc.minor ();
            turns (n - 1)
        in
        Lwt_main.run (turns 50);
        stop := true;
        List.iter Thread.join threads;
        say "all");
    case "after_the_end_a_thread_is_refused" ~out:[ "refused" ] (fun () ->
        on_a_thread (fun () -> ignore (sync_add 1 2));
        Rust_async.shutdown ();
        on_a_thread (fun () -> match sync_add 1 2 with _ -> say "called" | exception Rust_async.Misuse _ -> say "refused"));
  ]

let make_home = Rust_half.Process.Objects.ProcessHome.make
let forget_home name = ignore (Sys.opaque_identity (make_home name false))
let in_the_loop f = Lwt_main.run (Lwt.bind (Lwt_unix.sleep 0.) f)

(* No [prepare]: nothing of Rust has been called. *)
let before_the_start =
  let case = Case.case in
  [
    case "first_call_of_all_may_be_a_threads" ~out:[ "3"; "Rust_async.Rust_error: b is zero"; "3"; "1"; "3" ] (fun () ->
        on_a_thread (fun () ->
            said (fun () -> sync_add 1 2);
            said (fun () -> sync_add 1 0));
        said (fun () -> sync_add 1 2);
        said (fun () -> Lwt_main.run (yield 1));
        on_a_thread (fun () -> said (fun () -> sync_add 1 2)));
    case "first_call_may_be_a_detached_one" ~out:[ "3"; "1" ] (fun () ->
        said (fun () -> Lwt_main.run (Lwt_preemptive.detach (fun () -> sync_add 1 2) ()));
        said (fun () -> Lwt_main.run (tokio 1)));
    case "first_calls_may_come_from_many_threads" ~out:[ "all"; "1" ] (fun () ->
        let call n = check "a sum" (sync_add (n + 1) 1 = n + 2) in
        List.iter Thread.join (List.init 20 (Thread.create call));
        say "all";
        said (fun () -> Lwt_main.run (tokio 1)));
    case "after_a_threads_first_call_promises_are_lwts_alone" ~out:[ "1" ] (fun () ->
        on_a_thread (fun () ->
            ignore (sync_add 1 2);
            misuse ~what:"which is not the main one" (fun () -> yield 1));
        said (fun () -> Lwt_main.run (yield 1)));
    case "thread_that_has_called_may_run_lwt" ~out:[ "3"; "1"; "3"; "3" ] (fun () ->
        on_a_thread (fun () ->
            said (fun () -> sync_add 1 2);
            said (fun () -> in_the_loop (fun () -> yield 1));
            said (fun () -> sync_add 1 2));
        said (fun () -> sync_add 1 2));
    case "loop_takes_what_waits_for_it" ~out:[ "loop"; "it goes at home" ] (fun () ->
        on_a_thread (fun () ->
            forget_home "it";
            Gc.full_major ());
        say "loop";
        let rec until_gone () =
          if (Rust_async.stats ()).objects = 0 then Lwt.return_unit else Lwt.bind (Lwt_unix.sleep 0.001) until_gone
        in
        Lwt_main.run (until_gone ()));
    case "exit_takes_what_waits_for_lwts_thread" ~out:[ "end"; "it goes at home" ] (fun () ->
        on_a_thread (fun () ->
            forget_home "it";
            Gc.full_major ());
        say "end");
    case "shutdown_ends_what_a_thread_began" ~out:[ "refused"; "refused" ] (fun () ->
        let called () = match sync_add 1 2 with _ -> say "called" | exception Rust_async.Misuse _ -> say "refused" in
        on_a_thread (fun () -> ignore (sync_add 1 2));
        Rust_async.shutdown ();
        on_a_thread called;
        called ());
    case "configure_is_too_late_after_a_threads_call" (fun () ->
        on_a_thread (fun () -> ignore (sync_add 1 2));
        misuse ~what:"after Tokio's runtime had started" (fun () -> Rust_async.configure ~worker_threads:1 ()));
    case "signal_handler_may_call_in_the_middle_of_a_threads_first_call" ~out:[ "all"; "1" ] (fun () ->
        let calls = ref 0 in
        let handler _ =
          incr calls;
          check "a sum" (sync_add 1 1 = 2)
        in
        Sys.set_signal Sys.sigalrm (Signal_handle handler);
        ignore (Unix.setitimer ITIMER_REAL { it_interval = 0.0001; it_value = 0.0001 } : Unix.interval_timer_status);
        let rec threads n =
          if n < 300 || !calls = 0 then begin
            on_a_thread (fun () ->
                (* It comes to this very thread, in its first call. *)
                Unix.kill (Unix.getpid ()) Sys.sigalrm;
                check "a sum" (sync_add n 1 = n + 1));
            threads (n + 1)
          end
        in
        threads 1;
        ignore (Unix.setitimer ITIMER_REAL { it_interval = 0.; it_value = 0. } : Unix.interval_timer_status);
        Sys.set_signal Sys.sigalrm (Signal_handle ignore);
        say "all";
        said (fun () -> Lwt_main.run (yield 1)));
    case "object_that_stays_on_its_thread_goes_with_its_next_call" ~out:[ "all" ] (fun () ->
        let objects () = (Rust_async.stats ()).objects in
        on_a_thread (fun () ->
            for n = 1 to 100 do
              ignore (Sys.opaque_identity (Rust_half.Destructors.Local.make (string_of_int n)))
            done;
            let rec until_gone times =
              Gc.full_major ();
              ignore (sync_add 1 2);
              if objects () > 0 && times > 0 then until_gone (times - 1)
            in
            until_gone 100;
            check "none is left" (objects () = 0));
        say "all");
    case "exit_on_a_thread_that_has_called_stops_a_loop_that_sleeps" ~ending:(Exit 3) (fun () ->
        let exits () =
          ignore (sync_add 1 2);
          Thread.delay 0.05;
          exit 3
        in
        ignore (Thread.create exits ());
        Lwt_main.run (Lwt_unix.sleep 60.));
    case "child_of_a_fork_has_nothing_of_a_threads_call" ~out:[ "child: 0"; "1" ] (fun () ->
        on_a_thread (fun () -> ignore (sync_add 1 2));
        (match Unix.fork () with
        | 0 ->
            Lwt_main.run (Lwt.pause ());
            (match sync_add 1 2 with _ -> exit 1 | exception Rust_async.Misuse _ -> exit 0)
        | child -> (
            match Unix.waitpid [] child with _, WEXITED status -> say "child: %d" status | _ -> say "child: killed"));
        said (fun () -> Lwt_main.run (yield 1)));
  ]

let () = main (collector @ places @ without_a_promise @ before_the_start)
