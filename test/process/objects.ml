(* Objects at the end of the process, after shutdown, in the child of a fork, and on threads that do not run Lwt. *)

open Lwt.Syntax
open Case
open Functions

type anywhere
type home

external make : string -> bool -> anywhere = "interop_tests__process_anywhere_make"
external name : anywhere -> string = "interop_tests__process_anywhere_name"
external make_home : string -> bool -> home = "interop_tests__process_home_make"
external close : 'a -> unit = "ocaml_lwt_interop_close"

let forget make = ignore (Sys.opaque_identity (make ()))

(* For what goes on another thread. *)
let a_moment () = Unix.sleepf 0.05

let () =
  main
    [
      case "exit_does_not_run_destructors_of_what_is_alive" ~at_most:5. (fun () ->
          let objects = (make "anywhere" false, make_home "home" false) in
          at_exit (fun () -> ignore (Sys.opaque_identity objects)));
      case "destructor_that_never_returns_does_not_keep_exit_for_ever" ~out:[ "it goes elsewhere" ] ~at_most:10. (fun () ->
          forget (fun () -> make "it" true);
          Gc.full_major ();
          a_moment ());
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
          a_moment ();
          ignore (Sys.opaque_identity it);
          forget (fun () -> it);
          close it;
          a_moment ();
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
          a_moment ();
          close b;
          c := None;
          Gc.full_major ();
          a_moment ());
      case "closed_and_collected_on_another_thread_of_OCaml's" ~out:[ "a goes elsewhere"; "b goes at home"; "c goes elsewhere" ]
        (fun () ->
          let a = make "a" false and b = make_home "b" false in
          let thread f = Thread.join (Thread.create f ()) in
          thread (fun () -> close a);
          a_moment ();
          thread (fun () -> close b);
          Lwt_main.run
            (let* () = Lwt_unix.sleep 0.05 in
             Lwt.return_unit);
          forget (fun () -> make "c" false);
          thread Gc.full_major;
          a_moment ());
      case "nobody_has_run_a_loop" ~out:[ "it"; "it goes elsewhere" ] (fun () ->
          let it = make "it" false in
          say "%s" (name it);
          close it;
          a_moment ());
    ]
