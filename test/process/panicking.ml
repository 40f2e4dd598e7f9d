(* Rust's panics: printed once, in the way of the program's own, and an OCaml exception for whoever waits. *)

open Lwt.Syntax
open Case
open Functions

let say_panic promise =
  let+ ending =
    Lwt.catch
      (fun () -> Lwt.map (fun () -> "fulfilled") promise)
      (function
        | Rust_async.Rust_panic { message; location } ->
            let where = if location = "" then "nowhere" else List.hd (String.split_on_char ':' location) in
            Lwt.return (Printf.sprintf "panic %S at %s" message where)
        | exn -> Lwt.return (Printexc.to_string exn))
  in
  say "%s" ending

let run promise =
  Lwt_main.run (say_panic promise);
  Lwt_main.run (all_ways ())

(* How often a text stands on standard error, is what these compare: [err] has it once, and the rest is not empty, so
   the hook of the program's counts. *)
let cases =
  [
    case "panic_rejects_its_promise_and_is_printed" ~err:[ "panicked at"; "boom" ]
      ~out:[ "panic \"boom\" at test/src/process/basic.rs"; works ]
      (fun () -> run (panic "boom"));
    case "hook_of_the_program_that_was_first_is_called_once" ~err:[ "the program's hook: boom\n" ]
      ~out:[ "panic \"boom\" at test/src/process/basic.rs"; works ]
      (fun () ->
        set_panic_hook ();
        run (panic "boom"));
    case "hook_of_the_program_that_came_later_is_called_once" ~err:[ "the program's hook: boom\n" ]
      ~out:[ works; "panic \"boom\" at nowhere"; works ]
      (fun () ->
        Lwt_main.run (all_ways ());
        set_panic_hook ();
        run (panic "boom"));
    case "panic_on_a_worker_is_an_error_for_whoever_joins" ~err:[ "the program's hook: boom\n" ]
      ~out:[ "joined with an error"; works ] (fun () ->
        set_panic_hook ();
        (match Lwt_main.run (tokio_panic "boom") with
        | () -> ()
        | exception Rust_async.Rust_error { message; _ } ->
            check message (contains message ~part:"panicked");
            say "joined with an error");
        Lwt_main.run (all_ways ()));
    case "panic_of_a_task_that_nobody_joins_goes_to_lwts_hook" ~err:[ "the program's hook: boom\n" ]
      ~out:[ "hook: Rust_async.Rust_panic: boom"; works ] (fun () ->
        set_panic_hook ();
        (Lwt.async_exception_hook :=
           function
           | Rust_async.Rust_panic { message; _ } -> say "hook: Rust_async.Rust_panic: %s" message
           | exn -> say "hook: %s" (Printexc.to_string exn));
        Lwt_main.run (panic_detached "boom");
        Lwt_main.run (Lwt_unix.sleep 0.02);
        Lwt_main.run (all_ways ()));
    case "panic_of_a_task_that_nobody_joins_may_leave_the_loop" ~err:[ "the program's hook: boom\n" ]
      ~out:[ "raised"; works ] (fun () ->
        set_panic_hook ();
        Lwt.async_exception_hook := raise;
        (match
           Lwt_main.run (panic_detached "boom");
           Lwt_main.run (Lwt_unix.sleep 10.)
         with
        | () -> ()
        | exception Rust_async.Rust_panic _ -> say "raised");
        Lwt_main.run (all_ways ()));
    case "panic_of_a_destructor_during_a_cancellation" ~err:[ "the program's hook: boom\n" ] ~out:[ works ] (fun () ->
        set_panic_hook ();
        let future = panic_when_dropped "boom" in
        Lwt_main.run (Lwt_unix.sleep 0.002);
        Lwt.cancel future;
        Lwt_main.run (all_ways ()));
    case "panic_of_a_destructor_at_the_end" ~err:[ "hook: one\n"; "hook: two\n" ]
      ~out:[ "rejected"; "future is dropped" ] (fun () ->
        set_panic_hook ();
        Lwt.on_failure (panic_when_dropped "one") (fun _ -> say "rejected");
        (* A turn, in which it is polled: before its first poll it has nothing to drop. *)
        Lwt_main.run (Lwt.bind (detached_panic_when_dropped "two") Lwt.pause);
        (Lwt.async_exception_hook := fun _ -> ());
        ignore (never "future"));
    case "panic_with_a_payload_that_panics" ~err:[ "hook: not text\n"; "hook: the payload\n" ]
      ~out:[ "panic \"a panic whose payload panicked in its destructor\" at test/src/process/panics.rs"; works ] (fun () ->
        set_panic_hook ();
        run (panic_any ()));
    case "thousand_panics" ~out:[ "1000"; works ] ~err:[ "the program's hook" ] (fun () ->
        set_panic_hook ();
        let one () = Lwt.catch (fun () -> Lwt.map (fun () -> 0) (panic "boom")) (fun _ -> Lwt.return 1) in
        say "%d" (List.fold_left ( + ) 0 (Lwt_main.run (Lwt.all (List.init 1000 (fun _ -> one ())))));
        Lwt_main.run (all_ways ()));
  ]

let () = main cases
