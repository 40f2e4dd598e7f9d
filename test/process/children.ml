(* Children of the process that Rust starts, or OCaml on a thread of Rust's: they block the signals that the program
   blocks, and no others. And signals to the process are still those of the thread that runs Lwt. *)

open Case
open Functions

let killed = "signal: 15 (SIGTERM), blocks "

(* The program's own signals are not those of whoever runs the tests. *)
let program_blocks signals = ignore (Thread.sigmask Unix.SIG_SETMASK signals : int list)
let say_all = Lwt_list.iter_s (fun child -> Lwt.map (say "%s") (child ()))

let ways child = [ (fun () -> child "spawn"); (fun () -> child "fork") ]

let places =
  let in_place place = (String.map (function ' ' -> '_' | c -> c) place, ways (child place)) in
  List.map in_place [ "home"; "worker"; "blocking"; "thread of a worker"; "thread of blocking" ]
  @ [
      ("func_tokio", ways child_of_tokio);
      ("func_blocking", ways child_of_blocking);
      ("tokio_at_home", [ (fun () -> child_by_tokio false) ]);
      ("tokio_on_a_worker", [ (fun () -> child_by_tokio true) ]);
    ]

let in_places =
  let each (name, children) =
    [
      case ("signals_reach_a_child_of_" ^ name)
        ~out:(List.map (fun _ -> killed) children)
        (fun () ->
          program_blocks [];
          Lwt_main.run (say_all children));
      case ("child_blocks_what_the_program_does_in_" ^ name)
        ~out:(List.map (fun _ -> killed ^ "200") children)
        (fun () ->
          program_blocks [ Sys.sigusr1 ];
          Lwt_main.run (say_all children));
    ]
  in
  List.concat_map each places

let others =
  [
    (* Some shells unblock what they find blocked. *)
    case "command_of_system_can_be_terminated" ~out:[ "15" ] (fun () ->
        program_blocks [];
        say "%d" (Lwt_main.run (system "kill -TERM $$")));
    case "program_that_replaces_this_one_blocks_what_it_did" ~out:[ "SigBlk:\t0000000000000200" ] (fun () ->
        program_blocks [ Sys.sigusr1 ];
        Lwt_main.run (exec "grep" "SigBlk" "/proc/self/status"));
    case "program_that_is_not_there_leaves_the_thread_as_it_was" ~out:[ "failed"; killed ] (fun () ->
        program_blocks [];
        Rust_async.configure ~max_blocking_threads:1 ();
        (try Lwt_main.run (exec "/no/such/program" "" "") with Rust_async.Rust_error _ -> say "failed");
        Lwt_main.run (say_all [ (fun () -> child_of_blocking "spawn") ]));
    case "children_of_tokio_and_of_lwt_end_where_there_are_no_pidfds" ~out:[ "200"; "20"; "20" ] (fun () ->
        check "the filter is there" (deny_pidfd () = 0);
        say "%d" (Lwt_main.run (children 200));
        let of_lwt () = Lwt_process.exec ("", [| "true" |]) in
        let both = List.init 20 (fun _ -> of_lwt ()) and tokio = children 20 in
        let ended = List.filter (( = ) (Unix.WEXITED 0)) (Lwt_main.run (Lwt.all both)) in
        say "%d" (List.length ended);
        say "%d" (Lwt_main.run tokio));
    case "first_child_of_tokio_ends_without_pidfds" ~out:[ "1" ] (fun () ->
        ignore (deny_pidfd () : int);
        say "%d" (Lwt_main.run (children 1)));
  ]

(* A child of this process, which sends it a signal whenever it sleeps, until that was handled, and again. A signal that came
   on the way to sleep would be heard later by any loop. Gives the threads that handled them. *)
let signalled rounds =
  let go, goes = Unix.pipe () in
  let parent = Unix.getpid () in
  let sleeps () =
    let channel = open_in (Printf.sprintf "/proc/%d/stat" parent) in
    let line = input_line channel in
    close_in channel;
    line.[String.rindex line ')' + 2] = 'S'
  in
  match Unix.fork () with
  | 0 ->
      Unix.close goes;
      let byte = Bytes.create 1 in
      while Unix.read go byte 0 1 = 1 do
        while not (sleeps ()) do
          Unix.sleepf 0.0001
        done;
        Unix.kill parent Sys.sigusr1
      done;
      Unix._exit 0
  | child ->
      Unix.close go;
      let wake = ref ignore and threads = ref [] in
      let handler _ =
        threads := Thread.id (Thread.self ()) :: !threads;
        !wake ()
      in
      Sys.set_signal Sys.sigusr1 (Signal_handle handler);
      let rec round n =
        if n = 0 then Lwt.return_unit
        else begin
          let woken, resolver = Lwt.wait () in
          wake := Lwt.wakeup_later resolver;
          ignore (Unix.write_substring goes "x" 0 1 : int);
          Lwt.bind woken (fun () -> round (n - 1))
        end
      in
      Lwt_main.run (round rounds);
      Unix.close goes;
      ignore (Unix.waitpid [] child);
      List.sort_uniq compare !threads

let signals =
  [
    case "signals_wake_the_loop_while_tokio_has_nothing_to_do" ~out:[ "0" ] (fun () ->
        ignore (Lwt_main.run (on_blocking_pool 1) : int);
        List.iter (say "%d") (signalled 100));
    case "signals_wake_the_loop_while_tokio_blocks" ~out:[ "0"; "it ends" ] (fun () ->
        let blocks = blocks_until_released "it" in
        Lwt_main.run (until_began 1);
        List.iter (say "%d") (signalled 100);
        Lwt_main.run (Lwt.join [ release (); blocks ]));
    case "signal_that_is_blocked_everywhere_is_waited_for" ~out:[ "true" ] (fun () ->
        program_blocks [ Sys.sigusr1 ];
        ignore (Lwt_main.run (on_blocking_pool 1) : int);
        let came = ref 0 in
        let waits = Thread.create (fun () -> came := Thread.wait_signal [ Sys.sigusr1 ]) () in
        Unix.kill (Unix.getpid ()) Sys.sigusr1;
        Thread.join waits;
        say "%b" (!came = Sys.sigusr1));
  ]

let () = main (in_places @ others @ signals)
