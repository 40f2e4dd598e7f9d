(* Objects at the end of the process, after shutdown, in the child of a fork, and on threads that do not run Lwt. *)

open Lwt.Syntax
open Case
open Functions

type anywhere = Rust_half.process_anywhere
type home = Rust_half.process_home

let make = Rust_half.Process.Objects.ProcessAnywhere.make
let name = Rust_half.Process.Objects.ProcessAnywhere.name
let make_home = Rust_half.Process.Objects.ProcessHome.make
external close : 'a -> unit = "ocaml_lwt_interop_close"
let make_small = Rust_half.Destructors.Small.make
let use_small = Rust_half.Destructors.Small.use_it
let small_gone = Rust_half.Destructors.destructors_small_gone
let close_small = Rust_half.Destructors.Small.close
let make_thing = Rust_half.Objects.Thing.make
let calls = Rust_half.Objects.Thing.calls
let forget make = ignore (Sys.opaque_identity (make ()))

(* Waits until so many objects are left, for what goes on another thread. *)
let until_left count =
  let until = Unix.gettimeofday () +. 10. in
  while (Rust_async.stats ()).objects > count && Unix.gettimeofday () < until do
    Unix.sleepf 0.001
  done

let () =
  main
    [
      case "exit_does_not_run_destructors_of_what_is_alive" ~at_most:5. (fun () ->
          let objects = (make "anywhere" false, make_home "home" false) in
          at_exit (fun () -> ignore (Sys.opaque_identity objects)));
      case "destructor_that_never_returns_does_not_keep_exit_for_ever" ~out:[ "it goes elsewhere" ] ~at_most:10. (fun () ->
          forget (fun () -> make "it" true);
          Gc.full_major ();
          (* It stays, so nothing tells when it has said so. *)
          Unix.sleepf 1.);
      case "shutdown_runs_the_destructors_that_wait_for_home" ~out:[ "it goes at home"; "end" ] (fun () ->
          ignore (Lwt_main.run (yield 1));
          forget (fun () -> make_home "it" false);
          Gc.full_major ();
          Rust_async.shutdown ();
          say "end");
      case "objects_go_after_shutdown_too" ~out:[ "a goes elsewhere"; "b goes elsewhere"; "c goes at home" ] (fun () ->
          let closed = make "a" false and home = make_home "c" false in
          let it = make "b" false in
          Rust_async.shutdown ();
          misuse ~what:"process_anywhere_name was called after Rust_async.shutdown" (fun () -> ignore (name it));
          close closed;
          until_left 2;
          ignore (Sys.opaque_identity it);
          forget (fun () -> it);
          close it;
          until_left 1;
          close home);
      case "nothing_goes_in_the_child_of_a_fork" ~out:[ "child: 0"; "a goes elsewhere"; "b goes at home"; "c goes elsewhere" ]
        (fun () ->
          let a = make "a" false and b = make_home "b" false in
          let c = ref (Some (make "c" false)) in
          (match Unix.fork () with
          | 0 ->
              c := None;
              close a;
              close b;
              Gc.full_major ();
              (match name a with
              | _ -> exit 1
              | exception Rust_async.Misuse _ -> exit 0)
          | child -> (
              match Unix.waitpid [] child with
              | _, WEXITED status -> say "child: %d" status
              | _ -> say "child: killed"));
          close a;
          until_left 2;
          close b;
          c := None;
          Gc.full_major ();
          until_left 0);
      case "closed_and_collected_on_another_thread_of_OCaml's" ~out:[ "a goes elsewhere"; "b goes at home"; "c goes elsewhere" ]
        (fun () ->
          let a = make "a" false and b = make_home "b" false in
          let thread f = Thread.join (Thread.create f ()) in
          thread (fun () -> close a);
          until_left 1;
          thread (fun () -> close b);
          let rec turns times =
            if (Rust_async.stats ()).objects = 0 || times = 0 then Lwt.return_unit
            else
              let* () = Lwt_unix.sleep 0.001 in
              turns (times - 1)
          in
          Lwt_main.run (turns 4_000);
          forget (fun () -> make "c" false);
          thread Gc.full_major;
          until_left 0);
      (* A handler closes what is being made, used and closed; collects; or raises. *)
      case "handlers_that_close_while_it_is_used_and_closed" ~out:[ "all are gone" ] ~at_most:30. (fun () ->
          let current = ref None and count = 20_000 in
          let handled = ref 0 and may_raise = ref false in
          let handler _ =
            incr handled;
            if !handled land 15 = 0 then Gc.minor ();
            Option.iter close_small !current;
            if !may_raise && !handled land 1 = 0 then begin
              may_raise := false;
              raise Exit
            end
          in
          let before = small_gone () and made = ref 0 in
          Sys.set_signal Sys.sigalrm (Signal_handle handler);
          ignore (Unix.setitimer ITIMER_REAL { it_interval = 1e-4; it_value = 1e-4 });
          for _ = 1 to count do
            current := None;
            try
              may_raise := true;
              let small = make_small () in
              incr made;
              current := Some small;
              (try ignore (use_small small : int) with Rust_async.Misuse _ -> ());
              close_small small;
              may_raise := false
            with Exit -> ()
          done;
          ignore (Unix.setitimer ITIMER_REAL { it_interval = 0.; it_value = 0. });
          Sys.set_signal Sys.sigalrm Signal_ignore;
          let rec wait times =
            Gc.full_major ();
            (* One that was made when a handler raised is not counted here. *)
            if small_gone () - before >= !made && (Rust_async.stats ()).objects = 0 then say "all are gone"
            else if times = 0 then say "%d of %d" (small_gone () - before) !made
            else begin
              Unix.sleepf 0.01;
              wait (times - 1)
            end
          in
          wait 500);
      case "objects_in_at_exit" ~out:[ "it"; "refused"; "it goes elsewhere" ] (fun () ->
          let it = make "it" false in
          (* Before the bridge's own hook, and behind it. *)
          Stdlib.at_exit (fun () ->
              say "%s" (name it);
              Rust_async.shutdown ();
              (match name it with _ -> () | exception Rust_async.Misuse _ -> say "refused");
              close it;
              until_left 0));
      case "exit_in_a_function_that_an_object's_call_runs" ~out:[ "bye" ] (fun () ->
          let thing = make_thing "it" in
          at_exit (fun () ->
              close_small (Obj.magic thing);
              say "bye");
          ignore (calls thing (fun () -> exit 0) : string));
      case "nobody_has_run_a_loop" ~out:[ "it"; "it goes elsewhere" ] (fun () ->
          let it = make "it" false in
          say "%s" (name it);
          close it;
          until_left 0);
    ]
