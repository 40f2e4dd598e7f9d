(* In the child of a [fork] there are no threads of Rust's: calls are refused, promises are rejected, nothing hangs, and
   the parent is not disturbed. *)

open Lwt.Syntax
open Case
open Functions

let forks = [ ("Unix_fork", Unix.fork); ("Lwt_unix_fork", Lwt_unix.fork) ]
let refused () = misuse ~what:"process_yield was called in the child of a fork" (fun () -> yield 1)
let refused_stream () =
  misuse ~what:"process_stream was called in the child of a fork" (fun () -> ignore (stream "late" 1))

(* The parent's loop turns until the child has ended; should Rust not get on, this hangs. *)
let wait_for child =
  let rec wait () =
    let* n = tokio 1 in
    let* () = Lwt_unix.sleep 0.002 in
    match Unix.waitpid [ WNOHANG ] child with
    | 0, _ -> wait ()
    | _, WEXITED status -> Lwt.return (say "child: %d; parent: %d" status n)
    | _, _ -> Lwt.return (say "child: killed")
  in
  wait ()

let in_child fork f =
  match fork () with
  | 0 ->
      f ();
      exit 0
  | child -> Lwt_main.run (wait_for child)

let parent = "child: 0; parent: 1"

let lent_for_ever = Rust_half.Arrays.arrays_never

let tasks_that_no_child_polls () =
  for i = 1 to 10 do
    ignore (polls_in_child (Printf.sprintf "task %d" i))
  done

let cases (name, fork) =
  let case ?out law = case ?out (law ^ "_after_" ^ name) in
  (* [calls] calls a function of Rust's that calls one of OCaml's, in which the process forks. *)
  let forks_inside ?(fork = fork) calls =
    tasks_that_no_child_polls ();
    let child = ref (-1) in
    let promise = calls (fun () -> child := fork ()) in
    Lwt_main.run
      (let* () = say_ending "call" promise in
       match !child with
       | 0 ->
           let* () = Lwt_unix.sleep 0.01 in
           exit 0
       | child -> wait_for child)
  in
  (* The child speaks first: its end is the end of the pipe. *)
  let and_waits () =
    let child_lives, child_has_it = Unix.pipe () in
    let child = fork () in
    if child > 0 then begin
      Unix.close child_has_it;
      ignore (Unix.read child_lives (Bytes.create 1) 0 1 : int)
    end;
    child
  in
  [
    case "call_in_the_child_is_refused" ~out:[ parent ] (fun () ->
        ignore (Lwt_main.run (tokio 1));
        in_child fork refused);
    case "array_that_a_thread_has_stays_lent_in_the_child" ~out:[ "child: 0"; parent; "parent: 0"; "parent: 3" ] (fun () ->
        ignore (Lwt_main.run (tokio 1));
        let array = Lwt_bytes.of_string "abc" in
        let promise = lent_for_ever Tokio array in
        Lwt_main.run (Lwt_unix.sleep 0.01);
        in_child fork (fun () -> say "child: %d" (Lwt_bytes.length array));
        say "parent: %d" (Lwt_bytes.length array);
        Lwt.cancel promise;
        let rec until_back () = if Lwt_bytes.length array = 0 then Lwt.bind (Lwt_unix.sleep 0.001) until_back else Lwt.return_unit in
        Lwt_main.run (until_back ());
        say "parent: %d" (Lwt_bytes.length array));
    case "thread_of_the_child_that_would_wait_for_home_gets_errors" ~out:[ "in the child of a fork"; "a broken promise"; "a broken promise"; "in the child of a fork"; parent ]
      (fun () ->
        let home = Lwt_main.run (keep_handle ()) in
        Lwt_main.run (keep_promise (fst (Lwt.wait ())));
        let in_the_child = "in the child of a fork" in
        in_child fork (fun () ->
            let said line = say "%s" (if contains line ~part:in_the_child then in_the_child else line) in
            List.iter said (String.split_on_char '\n' (thread_waits_in_every_way home))));
    case "call_in_the_loop_of_the_child_is_refused" ~out:[ "Lwt works"; parent ] (fun () ->
        ignore (Lwt_main.run (tokio 1));
        in_child fork (fun () ->
            Lwt_main.run
              (let* () = Lwt_unix.sleep 0.002 in
               refused ();
               Lwt.return (say "Lwt works"))));
    case "promises_that_are_pending_are_rejected_in_the_child"
      ~out:
        [
          "never: " ^ broken;
          "tokio: " ^ broken;
          "after: " ^ broken;
          "await: " ^ broken;
          "resolver: " ^ broken;
          "Lwt works";
          parent;
          "future is dropped";
          "task is dropped";
        ]
      (fun () ->
        let never = never "future" and tokio_never = tokio_never "task" and after = after 60_000 1 in
        let await = await (fst (Lwt.wait ())) in
        let resolver = Lwt_main.run (tokio_resolves 60_000 1) in
        in_child fork (fun () ->
            Lwt_main.run
              (let* () = say_ending "never" (as_int never) in
               let* () = say_ending "tokio" (as_int tokio_never) in
               let* () = say_ending "after" after in
               let* () = say_ending "await" await in
               let* () = say_ending "resolver" resolver in
               let* () = Lwt_unix.sleep 0.002 in
               Lwt.return (say "Lwt works"))));
    case "streams_end_in_the_child_and_go_on_in_the_parent"
      ~out:
        [
          "waits: " ^ broken;
          "idle: 1";
          "idle: 2";
          "idle: " ^ broken;
          "Lwt works";
          parent;
          "2";
          "waits is dropped";
          "idle is dropped";
        ]
      (fun () ->
        let item stream = Lwt.map (Option.value ~default:0) (Lwt.apply Lwt_stream.get stream) in
        let waits = stream "waits" 0 and idle = stream "idle" 3 in
        let waiting = item waits in
        ignore (Lwt_main.run (item idle));
        in_child fork (fun () ->
            Lwt_main.run
              (let* () = say_ending "waits" waiting in
               let* () = say_ending "idle" (item idle) in
               let* () = say_ending "idle" (item idle) in
               let* () = say_ending "idle" (item idle) in
               refused_stream ();
               Gc.full_major ();
               Lwt.return (say "Lwt works")));
        let rest = Lwt_main.run (Lwt_stream.nget 2 idle) in
        say "%d" (List.length rest);
        ignore (Sys.opaque_identity (waits, waiting)));
    case "promise_that_the_loop_of_the_child_waits_for_is_rejected" ~out:[ "never: " ^ broken; parent; "future is dropped" ]
      (fun () ->
        let never = never "future" in
        in_child fork (fun () -> Lwt_main.run (say_ending "never" (as_int never))));
    case "fork_in_the_loop" ~out:[ "never: " ^ broken; parent; "future is dropped" ] (fun () ->
        let never = never "future" in
        Lwt_main.run
          (let* _ = after 2 1 in
           match fork () with
           | 0 ->
               let* () = say_ending "never" (as_int never) in
               refused ();
               exit 0
           | child -> wait_for child));
    case "fork_in_a_tick_polls_nothing_in_the_child" ~out:[ "never: " ^ broken; parent; "future is dropped" ] (fun () ->
        let never = never "future" in
        tasks_that_no_child_polls ();
        Lwt_main.run
          (let* _ = yield 3 in
           match fork () with
           | 0 ->
               let* () = say_ending "never" (as_int never) in
               refused ();
               exit 0
           | child -> wait_for child));
    case "fork_in_a_function_that_rust_calls_ends_the_poll_and_no_other_begins" ~out:[ "call: 1"; "call: 1"; parent ]
      (fun () ->
        forks_inside (fun forks -> call_later (fun n -> forks (); n) 1));
    case "fork_in_a_function_that_the_first_poll_calls" ~out:[ "call: 1"; "call: 1"; parent ] (fun () ->
        forks_inside (fun forks -> call (fun n -> forks (); Lwt.return n) 1));
    case "fork_in_a_first_poll_that_goes_on_breaks_its_promise_in_the_child" ~out:[ "call: " ^ broken; "call: 1"; parent ]
      (fun () ->
        let goes_on n = Lwt.map (fun () -> n) (Lwt_unix.sleep 0.002) in
        forks_inside ~fork:and_waits (fun forks -> call (fun n -> forks (); goes_on n) 1));
    case "fork_in_the_last_poll_of_a_task_that_tokio_joins_wakes_nobody_in_the_child"
      ~out:[ "call: " ^ broken; "who joins is woken"; "call: 1"; parent ]
      (fun () -> forks_inside ~fork:and_waits (fun forks -> tokio_joins (fun n -> forks (); n) 1));
    case "child_that_only_exits" ~out:[ parent; "future is dropped" ] (fun () ->
        ignore (never "future");
        ignore (Lwt_main.run (tokio 1));
        in_child fork ignore);
    case "child_that_exits_at_once" ~out:[ parent; "future is dropped" ] (fun () ->
        ignore (never "future");
        ignore (Lwt_main.run (tokio 1));
        in_child fork (fun () -> Unix._exit 0));
    case "exit_hooks_in_the_child_are_refused_and_do_not_hang"
      ~out:[ "hook: refused"; parent; "hook: 3"; "future is dropped" ]
      (fun () ->
        ignore (never "future");
        Lwt_main.at_exit (fun () ->
            let* () = Lwt_unix.sleep 0.002 in
            match yield 3 with
            | promise -> say_ending "hook" promise
            | exception Rust_async.Misuse _ -> Lwt.return (say "hook: refused"));
        in_child fork ignore);
    case "shutdown_in_the_child_does_nothing" ~out:[ parent ] (fun () ->
        ignore (Lwt_main.run (tokio 1));
        in_child fork (fun () ->
            Rust_async.shutdown ();
            refused ();
            Rust_async.shutdown ()));
    case "fork_before_the_first_call_works_in_both" ~out:[ "child's: 3"; "future is dropped"; parent ] (fun () ->
        in_child fork (fun () ->
            ignore (never "future");
            Lwt_main.run (say_ending "child's" (let* a = tokio 1 in let+ b = after 2 2 in a + b))));
    case "child_of_the_child" ~out:[ "never: " ^ broken; "grandchild: 0"; parent; "future is dropped" ] (fun () ->
        let never = never "future" in
        ignore (Lwt_main.run (tokio 1));
        in_child fork (fun () ->
            match fork () with
            | 0 -> Lwt_main.run (say_ending "never" (as_int never))
            | child -> (
                refused ();
                match Unix.waitpid [] child with
                | _, WEXITED n -> say "grandchild: %d" n
                | _ -> say "grandchild: killed")));
    case "exec_in_the_child" ~out:[ "executed"; parent ] (fun () ->
        ignore (Lwt_main.run (tokio 1));
        in_child fork (fun () -> Unix.execv "/bin/echo" [| "echo"; "executed" |]));
    case "descriptors_of_rust_are_not_inherited" ~out:[ parent ] (fun () ->
        let count () =
          let command = "ls -l /proc/self/fd | grep -c 'eventfd\\|eventpoll\\|socket\\|pipe'" in
          let channel = Unix.open_process_in command in
          let count = int_of_string (input_line channel) in
          ignore (Unix.close_process_in channel);
          count
        in
        Lwt_main.run (Lwt_unix.sleep 0.002);
        let before = count () in
        ignore (Lwt_main.run (tokio 1));
        let after = count () in
        check (Printf.sprintf "%d descriptors after the first call, %d before" after before) (after = before);
        in_child fork ignore);
    case "collection_in_the_child" ~out:[ "collected"; parent ] (fun () ->
        for _ = 1 to 100 do
          let promise, _ = Lwt.wait () in
          ignore (await promise);
          ignore (Lwt_main.run (tokio_awaits "task" promise))
        done;
        in_child fork (fun () ->
            Gc.full_major ();
            Gc.compact ();
            Lwt_main.run (Lwt_unix.sleep 0.002);
            Gc.full_major ();
            say "collected"));
    case "parent_is_not_disturbed_by_the_loop_of_the_child" ~out:[ "parent: 45150"; "child: 0; parent: 1" ] (fun () ->
        ignore (Lwt_main.run (tokio 1));
        let slow = List.init 300 (fun i -> after (i mod 100) (i + 1)) in
        match fork () with
        | 0 ->
            let rec turn n = if n > 0 then Lwt.bind (Lwt_unix.sleep 0.001) (fun () -> turn (n - 1)) else Lwt.return_unit in
            Lwt_main.run (turn 50)
        | child ->
            say "parent: %d" (List.fold_left ( + ) 0 (Lwt_main.run (Lwt.all slow)));
            Lwt_main.run (wait_for child));
    case "fork_a_hundred_times_while_threads_are_busy" ~out:[ "children: 100" ] (fun () ->
        let promise, _ = Lwt.wait () in
        ignore (home_calls_for_ever promise);
        ignore (home_calls_for_ever promise);
        ignore (thread_never_stops ());
        let begins () =
          ignore (Lwt_main.run (tokio 1));
          after 60_000 1
        in
        say "children: %d" (fork_a_hundred_times ~ends:Lwt.cancel fork begins));
  ]

let from_a_thread =
  case "fork_in_another_thread_rejects_in_the_child" ~out:[ "never: " ^ broken; parent; "future is dropped" ] (fun () ->
      let never = never "future" in
      ignore (Lwt_main.run (tokio 1));
      let child = ref (-1) in
      let forks () =
        child := Unix.fork ();
        if !child = 0 then begin
          refused ();
          Lwt_main.run (say_ending "never" (as_int never));
          exit 0
        end
      in
      Thread.join (Thread.create forks ());
      Lwt_main.run (wait_for !child))

let before_the_first_call =
  case "fork_after_a_runtime_was_brought_and_before_the_first_call" ~out:[ parent ] (fun () ->
      check "set" (bring_runtime "mine" = "");
      in_child Unix.fork refused)

let others =
  case "other_ways_to_run_a_program_leave_the_parent_alone" ~out:[ "system"; "process"; "open"; "4" ] (fun () ->
      ignore (Lwt_main.run (tokio 1));
      ignore (Sys.command "echo system");
      ignore (Lwt_main.run (Lwt_process.exec ("", [| "echo"; "process" |])));
      let channel = Unix.open_process_in "echo open" in
      say "%s" (input_line channel);
      ignore (Unix.close_process_in channel);
      say "%d" (Lwt_main.run (Lwt.bind (tokio 1) (fun a -> Lwt.map (( + ) a) (after 2 3)))))

(* A fork that another OCaml thread makes while Rust's threads are in the middle of anything. *)

let fork_in_a_thread f =
  let child = ref (-1) in
  let forks () =
    child := Unix.fork ();
    if !child = 0 then begin
      f ();
      Unix._exit 0
    end
  in
  Thread.join (Thread.create forks ());
  !child

let wakes_in_children =
  [
    case "task_is_woken_in_the_child_of_another_thread" ~out:[ "children: 100" ] (fun () ->
        ignore (keeps_its_waker ());
        ignore (thread_never_stops ());
        ignore (thread_never_stops ());
        ignore (home_calls_for_ever (fst (Lwt.wait ())));
        let ended = ref 0 and over = ref false in
        let forks () =
          for _ = 1 to 100 do
            match Unix.fork () with
            | 0 ->
                wakes ();
                Unix._exit 0
            | child -> ( match Unix.waitpid [] child with _, WEXITED 0 -> incr ended | _ -> ())
          done;
          over := true
        in
        let thread = Thread.create forks () in
        (* The loop turns, for the threads to have somebody to wake. *)
        let rec turn () = if !over then Lwt.return_unit else Lwt.bind (Lwt_unix.sleep 0.001) turn in
        Lwt_main.run (turn ());
        Thread.join thread;
        say "children: %d" !ended);
    case "wake_in_the_child_of_another_thread_does_not_reach_the_parent" ~out:[ "child: 0"; "true" ] (fun () ->
        (* Those of Lwt's, to which the end of a child is told. *)
        let of_lwt = eventfds () in
        let of_rust () = List.filter (fun line -> not (List.mem line of_lwt)) (eventfds ()) in
        ignore (keeps_its_waker ());
        Lwt_main.run (Lwt_unix.sleep 0.002);
        let before = of_rust () in
        check "there are some" (before <> []);
        let child = fork_in_a_thread wakes in
        (match Unix.waitpid [] child with
        | _, WEXITED n -> say "child: %d" n
        | _ -> say "child: killed");
        say "%b" (List.for_all (fun line -> List.mem line (of_rust ())) before));
  ]

(* In a hook of [at_exit]. *)

let at_exit_forks =
  let hook law ?(err = []) ~out ~child f =
    case (law ^ "_after_a_fork_in_an_exit_hook") ~out ~err (fun () ->
        ignore (never "future");
        ignore (Lwt_main.run (tokio 1));
        let hook () =
          match Unix.fork () with
          | 0 -> f ()
          | process -> (
              match Unix.waitpid [] process with
              | _, WEXITED n when n = child -> say "the child ended"
              | _, WEXITED n -> say "the child ended with %d" n
              | _ -> say "the child was killed")
        in
        at_exit hook)
  in
  let out = [ "the child ended"; "future is dropped" ] in
  [
    hook "call_is_refused" ~child:0 ~out refused;
    hook "refusal_that_nobody_catches_ends_the_child" ~child:2 ~out ~err:[ "was called in the child of a fork" ] (fun () ->
        ignore (yield 1));
    hook "loop_runs" ~child:0 ~out:("Lwt works" :: out) (fun () ->
        Lwt_main.run (Lwt.map (fun () -> say "Lwt works") (Lwt_unix.sleep 0.002)));
    hook "exit_ends_the_child" ~child:3 ~out (fun () -> exit 3);
    hook "nothing_is_needed" ~child:0 ~out ignore;
  ]

let () = main (List.concat_map cases forks @ [ from_a_thread; before_the_first_call; others ] @ wakes_in_children @ at_exit_forks)
