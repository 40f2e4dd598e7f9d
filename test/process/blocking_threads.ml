(* OCaml functions that block, on threads that are there for them: they work under every loop, and the end of the process
   does not wait for them, nor does anything crash. *)

open Case
open Functions

(* Calls that have begun. *)
let begun = Atomic.make 0

let sleeps seconds n =
  Atomic.incr begun;
  Unix.sleepf seconds;
  n

(* Never gives the lock back by itself. *)
let computes_for_ever n =
  Atomic.incr begun;
  while true do
    ignore (Sys.opaque_identity (ref n))
  done;
  n

let rec until_begun n =
  if Atomic.get begun >= n then Lwt.return_unit else Lwt.bind (Lwt_unix.sleep 0.001) (fun () -> until_begun n)

let in_thread f =
  let result = ref None in
  Thread.join (Thread.create (fun () -> result := Some (f ())) ());
  Option.get !result

let many ?(count = 200) run =
  let f n =
    if n land 3 = 0 then Unix.sleepf 1e-4;
    String.length (Sys.opaque_identity (String.make n 'a'))
  in
  let call n = if n land 1 = 0 then blocking_call f n else blocking_call_of_worker f n in
  say "%d" (List.fold_left ( + ) 0 (run (Lwt.all (List.init count call))))

let sum count = string_of_int (count * (count - 1) / 2)

(* An engine that does not release the lock unless it sleeps; others do so for a moment in each turn, in which somebody
   who is quick may get it. *)
class keeps_the_lock =
  object
    inherit Lwt_engine.select_based

    method select readable writable timeout =
      if timeout = 0. then ([], [])
      else
        let readable, writable, _ = Unix.select readable writable [] timeout in
        (readable, writable)
  end

let turns_until stop =
  let rec turn n = if stop () then Lwt.return n else Lwt.bind (Lwt.pause ()) (fun () -> turn (n + 1)) in
  Lwt_main.run (turn 0)

let prompt name release =
  case ("busy_loop_hands_the_lock_to_a_blocking_call_that_" ^ name) ~out:[ "1" ] (fun () ->
      Lwt_engine.set (new keeps_the_lock);
      let times = 100 in
      let until = Unix.gettimeofday () +. 0.05 in
      let in_a_tick = turns_until (fun () -> Unix.gettimeofday () > until) in
      let promise = blocking_call (fun n -> for _ = 1 to times do release () done; n) 1 in
      let turns = turns_until (fun () -> Lwt.state promise <> Lwt.Sleep) in
      say "%d" (Lwt_main.run promise);
      (* OCaml itself would take it from the loop after 50 ms, each time; and the first call never, since the thread that
         counts them begins with it. *)
      let what = Printf.sprintf "%d turns, where 50 ms have %d" turns in_a_tick in
      check what (turns < times * in_a_tick / 4))
[@@ocamlformat "disable"]

let loops =
  [
    prompt "sleeps" (fun () -> Unix.sleepf 1e-6);
    prompt "opens_files" (fun () -> Unix.close (Unix.openfile "/dev/null" [ O_RDONLY ] 0));
    case "first_call_that_waits_for_tokio_does_not_wait_for_itself" ~out:[ "7" ] (fun () ->
        say "%d" (Lwt_main.run (waits_for_tokio 7)));
    case "first_call_has_a_blocking_call" ~out:[ "7" ] (fun () -> say "%d" (Lwt_main.run (blocking_call (sleeps 0.001) 7)));
    case "blocking_calls_under_lwts_loop" ~out:[ sum 200 ] (fun () -> many Lwt_main.run);
    case "blocking_calls_under_a_hand_written_loop" ~out:[ sum 200 ] (fun () -> many hand_written);
    case "blocking_calls_under_a_busy_hand_written_loop" ~out:[ sum 20 ] (fun () ->
        let rec busy () = Lwt.bind (Lwt.pause ()) busy in
        Lwt.async busy;
        many ~count:20 hand_written);
    case "blocking_calls_under_a_busy_loop" ~out:[ sum 200 ] (fun () ->
        let rec busy () = Lwt.bind (Lwt.pause ()) busy in
        Lwt.async busy;
        many Lwt_main.run);
    case "blocking_calls_when_home_is_not_the_main_thread" ~out:[ sum 200 ] (fun () ->
        in_thread (fun () ->
            Lwt_main.run (Lwt_unix.sleep 0.001);
            many Lwt_main.run));
    case "blocking_calls_on_the_runtime_of_the_program" ~out:[ sum 200 ] (fun () ->
        check "set" (bring_runtime "mine" = "");
        many Lwt_main.run);
    case "blocking_calls_beside_threads_that_collect" ~out:[ sum 1000 ] (fun () ->
        beside_collecting_threads 2 (fun () -> many ~count:1000 Lwt_main.run));
    case "blocking_calls_that_collect" ~out:[ sum 300 ] (fun () ->
        let f n =
          if n land 7 = 0 then Gc.compact () else Gc.minor ();
          String.length (Sys.opaque_identity (String.make n 'a'))
        in
        say "%d" (List.fold_left ( + ) 0 (Lwt_main.run (Lwt.all (List.init 300 (blocking_call f))))));
    case "blocking_call_that_is_cancelled_while_all_threads_are_busy_never_begins" ~out:[ "1"; "not called" ] (fun () ->
        Rust_async.configure ~max_blocking_threads:1 ();
        let go_on = ref false and called = ref false in
        let first = blocking_call (fun n -> Atomic.incr begun; while not !go_on do Unix.sleepf 0.001 done; n) 1 in
        Lwt_main.run (until_begun 1);
        let second = blocking_call (fun n -> called := true; n) 2 in
        Lwt_main.run (Lwt_unix.sleep 0.002);
        Lwt.cancel second;
        go_on := true;
        say "%d" (Lwt_main.run first);
        Lwt_main.run (Lwt.map ignore (blocking_call (sleeps 0.) 3));
        say (if !called then "called" else "not called"));
    case "calls_at_home_of_many_workers" ~out:[ sum 5000 ] (fun () ->
        let f n = String.length (Sys.opaque_identity (String.make n 'a')) in
        say "%d" (List.fold_left ( + ) 0 (Lwt_main.run (Lwt.all (List.init 5000 (call_async f))))));
  ]
[@@ocamlformat "disable"]

(* Pages that this process has in memory. *)
let resident () =
  let statm = open_in "/proc/self/statm" in
  Fun.protect
    (fun () -> Scanf.sscanf (input_line statm) "%d %d" (fun _ resident -> resident))
    ~finally:(fun () -> close_in statm)

let endings_of_a_thread =
  let exits n =
    (if n >= 0 then (Thread.exit [@warning "-3"]) ());
    n
  in
  let ended promise =
    Lwt.catch (fun () -> Lwt.map string_of_int promise) (function
      | Rust_async.Misuse message ->
          check message (contains message ~part:"Thread.exit");
          Lwt.return "refused"
      | exn -> Lwt.return (Printexc.to_string exn))
  in
  [
    case "thread_exit_in_a_blocking_call_ends_its_call" ~out:[ "refused"; "1"; works ] (fun () ->
        say "%s" (Lwt_main.run (ended (blocking_call exits 1)));
        say "%d" (Lwt_main.run (blocking_call (sleeps 0.) 1));
        Lwt_main.run (all_ways ()));
    case "thread_exit_in_many_blocking_calls_ends_their_calls" ~out:[ "100 refused"; sum 100 ] (fun () ->
        let call n = ended (if n land 1 = 0 then blocking_call exits n else blocking_call_of_worker exits n) in
        let all = Lwt_main.run (Lwt.all (List.init 100 call)) in
        say "%d refused" (List.length (List.filter (( = ) "refused") all));
        many ~count:100 Lwt_main.run);
    case "thread_exit_in_the_only_blocking_call_leaves_those_that_wait" ~out:[ "refused"; sum 20 ] (fun () ->
        Rust_async.configure ~max_blocking_threads:1 ();
        let exits = ended (blocking_call exits 1) in
        let all = Lwt.all (List.init 20 (blocking_call (sleeps 0.))) in
        say "%s" (Lwt_main.run exits);
        say "%d" (List.fold_left ( + ) 0 (Lwt_main.run all)));
    case "memory_is_flat_however_many_blocking_calls_there_were" ~at_most:300. ~out:[ "flat" ] (fun () ->
        let calls count =
          for _ = 1 to count / 100 do
            ignore (Lwt_main.run (Lwt.all (List.init 100 (blocking_call (fun n -> n)))))
          done;
          Gc.compact ();
          resident ()
        in
        let before = calls 20_000 in
        let grown = (calls 100_000 - before) * 4096 in
        (* A hundred bytes for each call would be ten millions. *)
        check (Printf.sprintf "grown by %d bytes" grown) (grown < 4_000_000);
        say "flat");
  ]

(* Signals: handlers run on whichever thread of OCaml's comes first, and may raise. *)

exception Interrupted

let signals =
  [
    case "handlers_that_raise_do_not_end_the_process" ~out:[ "all"; works ] (fun () ->
        ignore (Lwt_main.run (tokio 1));
        let go = Atomic.make false and stop = Atomic.make false in
        let kill () =
          while not (Atomic.get stop) do
            if Atomic.get go then Unix.kill (Unix.getpid ()) Sys.sigusr1;
            Thread.delay 2e-4
          done
        in
        (* The thread itself must not be the one that handles it. *)
        ignore (Thread.sigmask SIG_BLOCK [ Sys.sigusr1 ]);
        let thread = Thread.create kill () in
        ignore (Thread.sigmask SIG_UNBLOCK [ Sys.sigusr1 ]);
        Sys.set_signal Sys.sigusr1 (Sys.Signal_handle (fun _ -> raise Interrupted));
        (* What is raised in a callback of Lwt's goes there. *)
        (Lwt.async_exception_hook := function Interrupted -> () | exn -> raise exn);
        let ended = ref 0 in
        let call n =
          Lwt.on_any (blocking_call (sleeps 0.) n) (fun _ -> incr ended) (function
            | Interrupted -> incr ended
            | Rust_async.Broken_promise -> check "it was broken by the exit" (Atomic.get stop)
            | exn -> check (Printexc.to_string exn) false)
        in
        (* What raises leaves Lwt's loop, and is caught here; a call may not have been made. *)
        let rec guarded f = try f () with Interrupted -> guarded f in
        guarded (fun () ->
            Atomic.set go true;
            while !ended < 300 do
              call 1;
              Lwt_main.run (Lwt_unix.sleep 1e-4)
            done;
            Atomic.set stop true;
            Thread.join thread;
            Sys.set_signal Sys.sigusr1 Sys.Signal_ignore);
        say "all";
        Lwt_main.run (all_ways ()));
    case "child_of_a_blocking_call_blocks_no_signals" ~out:[ "killed"; "1" ] (fun () ->
        let f n =
          let child = Unix.create_process "sleep" [| "sleep"; "60" |] Unix.stdin Unix.stdout Unix.stderr in
          Unix.kill child Sys.sigterm;
          (match Unix.waitpid [] child with
          | _, WSIGNALED signal when signal = Sys.sigterm -> say "killed"
          | _ -> say "not killed");
          n
        in
        say "%d" (Lwt_main.run (blocking_call f 1)));
  ]

(* The end. *)

let rejected = "blocking_call: " ^ broken

let ends =
  [
    case "exit_waits_for_a_blocking_call_no_longer_than_the_bound" ~ending:(Exit 3) ~at_most:15. (fun () ->
        ignore (blocking_call (sleeps 60.) 1);
        Lwt_main.run (until_begun 1);
        exit 3);
    case "exit_waits_for_a_blocking_call_that_ends_within_the_bound" ~out:[ rejected; "blocking_call ends" ] ~at_most:15. (fun () ->
        (* It ends when the process has begun to, however busy the machine is. *)
        let heard = Atomic.make false in
        let f n =
          let n = sleeps 0. n in
          while not (Atomic.get heard) do Unix.sleepf 0.001 done;
          Unix.sleepf 0.02;
          say "blocking_call ends";
          n
        in
        let refused exn =
          say "blocking_call: %s" (Printexc.to_string exn);
          Atomic.set heard true
        in
        Lwt.on_failure (blocking_call f 1) refused;
        Lwt_main.run (until_begun 1));
    case "exit_is_not_kept_by_a_blocking_call_that_computes" ~ending:(Exit 3) ~at_most:15. (fun () ->
        ignore (blocking_call computes_for_ever 1);
        Lwt_main.run (until_begun 1);
        exit 3);
    case "exit_before_blocking_calls_have_begun" ~ending:(Exit 3) ~at_most:15. (fun () ->
        ignore (List.init 20 (blocking_call (sleeps 60.)));
        exit 3);
    case "exit_while_many_blocking_calls_come_and_go" ~ending:(Exit 3) ~at_most:15. (fun () ->
        let rec again n = Lwt.bind (blocking_call (sleeps 0.) n) again in
        let again n = Lwt.catch (fun () -> again n) (fun _ -> Lwt.return_unit) in
        let all = List.init 10 again in
        Lwt_main.run (until_begun 100);
        ignore all;
        exit 3);
    case "shutdown_breaks_the_promise_of_a_blocking_call" ~out:[ rejected; "1" ] ~at_most:15. (fun () ->
        let promise = say_ending "blocking_call" (blocking_call (sleeps 60.) 1) in
        Lwt_main.run (until_begun 1);
        Rust_async.shutdown ~timeout:0.1 ();
        Lwt_main.run promise;
        say "%d" (Lwt_main.run (Lwt.map (fun () -> 1) (Lwt_unix.sleep 0.001))));
    case "shutdown_lets_blocking_calls_end_and_nobody_hears" ~out:[ rejected; "1 ended" ] (fun () ->
        let ended = ref 0 in
        let f n = let n = sleeps 1. n in incr ended; n in
        let promise = say_ending "blocking_call" (blocking_call f 1) in
        Lwt_main.run (until_begun 1);
        Rust_async.shutdown ~timeout:10. ();
        Lwt_main.run promise;
        say "%d ended" !ended);
    case "thread_that_awaits_a_blocking_call_during_shutdown_gets_an_error" ~out:[ "thread: a broken promise" ] (fun () ->
        Lwt_main.run (thread_awaits_call "thread" 0. true (sleeps 1.));
        Lwt_main.run (until_begun 1);
        Rust_async.shutdown ~timeout:10. ();
        Lwt_main.run (Lwt_unix.sleep 1.));
    case "thread_that_has_a_blocking_call_after_shutdown_gets_an_error" ~out:[ "thread: a broken promise" ] (fun () ->
        Lwt_main.run (thread_awaits_call "thread" 0.1 true (sleeps 0.));
        Rust_async.shutdown ();
        Lwt_main.run (Lwt_unix.sleep 1.));
    case "thread_that_has_a_function_called_after_shutdown_gets_an_error" ~out:[ "thread: a broken promise" ] (fun () ->
        Lwt_main.run (thread_awaits_call "thread" 0.1 false (fun n -> say "called"; n));
        Rust_async.shutdown ();
        Lwt_main.run (Lwt_unix.sleep 1.));
    case "blocking_call_that_ends_after_shutdown_is_not_heard" ~out:[ rejected; "1 ended" ] (fun () ->
        let ended = ref 0 in
        let f n = let n = sleeps 1. n in incr ended; n in
        let promise = say_ending "blocking_call" (blocking_call f 1) in
        Lwt_main.run (until_begun 1);
        Rust_async.shutdown ~timeout:0. ();
        Lwt_main.run promise;
        let rec wait () = if !ended = 1 then Lwt.return_unit else Lwt.bind (Lwt_unix.sleep 0.01) wait in
        Lwt_main.run (wait ());
        Gc.full_major ();
        Lwt_main.run (Lwt_unix.sleep 0.01);
        say "%d ended" !ended);
  ]
[@@ocamlformat "disable"]

(* Forks. *)

let wait_for child =
  match Unix.waitpid [] child with _, WEXITED n -> say "child: %d" n | _ -> say "child: killed"

let forks (name, fork) =
  let case ?out law = case ?out (law ^ "_after_" ^ name) in
  [
    case "blocking_calls_do_not_exist_in_the_child" ~out:[ rejected; "child: 0"; "blocking_call: 1" ] (fun () ->
        let promise = say_ending "blocking_call" (blocking_call (sleeps 0.3) 1) in
        Lwt_main.run (until_begun 1);
        match fork () with
        | 0 ->
            misuse ~what:"process_blocking_call was called in the child of a fork" (fun () -> blocking_call (sleeps 0.) 1);
            Gc.compact ();
            Lwt_main.run promise;
            exit 0
        | child ->
            wait_for child;
            Lwt_main.run promise);
    case "fork_a_hundred_times_beside_blocking_calls" ~out:[ "children: 100" ] (fun () ->
        let stop = ref false in
        let rec again n = if !stop then Lwt.return_unit else Lwt.bind (blocking_call (sleeps 0.) n) again in
        let all = List.init 5 again in
        let begins () =
          ignore (Lwt_main.run (blocking_call (sleeps 0.) 1));
          blocking_call (sleeps 0.01) 1
        in
        let ended = fork_a_hundred_times fork begins in
        stop := true;
        Lwt_main.run (Lwt.join all);
        say "children: %d" ended);
  ]

let forking_blocking_call =
  case "blocking_call_that_forks" ~out:[ "child: 0"; "1"; "child: 3"; "2" ] (fun () ->
      let returns n =
        (match Unix.fork () with 0 -> () | child -> wait_for child);
        n
      and ends n =
        (match Unix.fork () with 0 -> Unix._exit 3 | child -> wait_for child);
        n
      in
      say "%d" (Lwt_main.run (blocking_call returns 1));
      say "%d" (Lwt_main.run (blocking_call ends 2)))

let () =
  main
    (loops @ endings_of_a_thread @ signals @ ends
    @ List.concat_map forks [ ("Unix_fork", Unix.fork); ("Lwt_unix_fork", Lwt_unix.fork) ]
    @ [ forking_blocking_call ])
