(* Wakes where much is forbidden: in finalisers, under locks of the program's, in wakers of its own. *)

open Lwt.Syntax
open Case
open Functions

let settle () = Lwt_main.run (Lwt_unix.sleep 0.02)

let collect () =
  Gc.full_major ();
  Gc.full_major ()

(* In functions of their own, so that no register keeps what they made. *)
let[@inline never] awaits_nobody () = await (fst (Lwt.wait ()))

let[@inline never] resolves_when_collected resolver =
  let block = ref 0 in
  Gc.finalise (fun _ -> Lwt.wakeup resolver 1) block

let wakers =
  [
    case "waker_that_polls_is_polled_where_it_is_woken" ~out:[ "first: 1"; "second: 2"; works ] (fun () ->
        let first, resolve_first = Lwt.wait () and second, resolve_second = Lwt.wait () in
        Lwt_main.run (polled_by_wake first second);
        settle ();
        Lwt.wakeup resolve_first 1;
        settle ();
        Lwt.wakeup resolve_second 2;
        settle ();
        Lwt_main.run (all_ways ()));
    case "waker_that_polls_what_is_settled_already" ~out:[ "first: 1"; "second: 2"; works ] (fun () ->
        Lwt_main.run (polled_by_wake (Lwt.return 1) (Lwt.return 2));
        settle ();
        Lwt_main.run (all_ways ()));
    case "waker_that_polls_what_is_collected" ~out:[ "first: a broken promise"; "second: 2"; works ] (fun () ->
        Lwt_main.run (polled_by_wake (fst (Lwt.wait ())) (Lwt.return 2));
        settle ();
        collect ();
        settle ();
        Lwt_main.run (all_ways ()));
    case "waker_that_panics_is_reported" ~out:[ "pending: true"; "hook: a waker of the user's"; works ]
      ~err:[ "a waker of the user's" ] (fun () ->
        (Lwt.async_exception_hook :=
           function Rust_async.Rust_panic { message; _ } -> say "hook: %s" message | exn -> raise exn);
        let promise, resolver = Lwt.wait () in
        Lwt_main.run (panicking_waker promise);
        settle ();
        Lwt.wakeup resolver 1;
        settle ();
        Lwt_main.run (all_ways ()));
    case "waker_that_panics_in_a_tick_is_reported" ~out:[ "hook: a waker of the user's"; works ]
      ~err:[ "a waker of the user's" ] (fun () ->
        (Lwt.async_exception_hook :=
           function Rust_async.Rust_panic { message; _ } -> say "hook: %s" message | exn -> raise exn);
        Lwt_main.run (panicking_join_waker ());
        settle ();
        Lwt_main.run (all_ways ()));
    case "waker_that_panics_at_the_end_keeps_nobody_from_it" ~out:[ "hook: a waker of the user's"; "future is dropped" ]
      ~err:[ "a waker of the user's" ] (fun () ->
        (Lwt.async_exception_hook :=
           function Rust_async.Rust_panic { message; _ } -> say "hook: %s" message | exn -> raise exn);
        ignore (panicking_join_waker ());
        ignore (never "future"));
    case "waker_that_panics_in_a_finaliser_is_nobodys" ~out:[ "pending: true"; works ] ~err:[ "a waker of the user's" ]
      (fun () ->
        Lwt_main.run (panicking_waker (fst (Lwt.wait ())));
        settle ();
        collect ();
        settle ();
        Lwt_main.run (all_ways ()));
  ]

let locks =
  [
    case "wakes_under_a_lock_run_nothing_that_takes_it" ~out:[ "continued"; "cancelled"; works ] (fun () ->
        let cancelled, _ = Lwt.task () in
        Lwt.on_cancel cancelled (fun () -> Lwt.on_success (lock 1) (fun _ -> say "cancelled"));
        let give promise = Lwt.on_success promise (fun n -> Lwt.on_success (lock n) (fun _ -> say "continued")) in
        Lwt_main.run (wakes_under_lock give cancelled);
        settle ();
        Lwt_main.run (all_ways ()));
  ]

let finalisers =
  [
    case "promise_that_is_collected_breaks_the_future" ~out:[ "broken" ] (fun () ->
        let awaiting = awaits_nobody () in
        settle ();
        collect ();
        match Lwt_main.run awaiting with _ -> () | exception Rust_async.Broken_promise -> say "broken");
    case "promise_that_is_collected_while_the_loop_sleeps_breaks_the_future" ~out:[ "broken" ] (fun () ->
        let awaiting = awaits_nobody () in
        let collects =
          let* () = Lwt_unix.sleep 0.02 in
          collect ();
          Lwt_unix.sleep 10.
        in
        match Lwt_main.run (Lwt.pick [ Lwt.map ignore awaiting; collects ]) with
        | () -> ()
        | exception Rust_async.Broken_promise -> say "broken");
    case "promise_that_is_collected_inside_a_call_breaks_the_future" ~out:[ "1"; "broken" ] (fun () ->
        let awaiting = awaits_nobody () in
        settle ();
        let collects n =
          collect ();
          n
        in
        say "%d" (Lwt_main.run (collects_in collects));
        match Lwt_main.run awaiting with _ -> () | exception Rust_async.Broken_promise -> say "broken");
    case "finaliser_of_ocaml_resolves_what_rust_awaits" ~out:[ "1"; works ] (fun () ->
        let promise, resolver = Lwt.wait () in
        let awaiting = await promise in
        settle ();
        resolves_when_collected resolver;
        collect ();
        say "%d" (Lwt_main.run awaiting);
        Lwt_main.run (all_ways ()));
    case "finaliser_of_ocaml_inside_a_call_resolves_what_rust_awaits" ~out:[ "1"; "1"; works ] (fun () ->
        let promise, resolver = Lwt.wait () in
        let awaiting = await promise in
        settle ();
        resolves_when_collected resolver;
        let collects n =
          collect ();
          n
        in
        say "%d" (Lwt_main.run (collects_in collects));
        say "%d" (Lwt_main.run awaiting);
        Lwt_main.run (all_ways ()));
    case "finaliser_of_ocaml_calls_rust" ~out:[ "3"; works ] (fun () ->
        let promise, resolver = Lwt.wait () in
        let[@inline never] make () =
          let block = ref 0 in
          Gc.finalise (fun _ -> Lwt.on_success (yield 3) (Lwt.wakeup resolver)) block
        in
        make ();
        collect ();
        say "%d" (Lwt_main.run promise);
        Lwt_main.run (all_ways ()));
    case "finaliser_of_rust_wakes_in_every_way"
      ~out:[ "the block is dropped"; "the aborted task is dropped"; "resolved: 1"; "sent: 2"; "awaited: cancelled"; works ]
      (fun () ->
        let awaited, _ = Lwt.task () in
        let resolved = ref None and sent = ref None in
        let[@inline never] make () =
          Lwt_main.run
            (wakes_when_collected awaited (fun _block first second ->
                 resolved := Some first;
                 sent := Some second))
        in
        make ();
        settle ();
        collect ();
        settle ();
        Lwt_main.run (say_ending "resolved" (Option.get !resolved));
        Lwt_main.run (say_ending "sent" (Option.get !sent));
        (match Lwt.state awaited with Fail Lwt.Canceled -> say "awaited: cancelled" | _ -> say "awaited: not cancelled");
        Lwt_main.run (all_ways ()));
    case "finalisers_by_the_thousand_in_a_tiny_heap" ~out:[ "1000"; works ] (fun () ->
        Gc.set { (Gc.get ()) with minor_heap_size = 1024; space_overhead = 10 };
        let broken = ref 0 in
        let[@inline never] one () = Lwt.on_failure (awaits_nobody ()) (fun _ -> incr broken) in
        for i = 1 to 1000 do
          one ();
          if i mod 10 = 0 then ignore (Lwt_main.run (yield 1))
        done;
        collect ();
        settle ();
        collect ();
        settle ();
        say "%d" !broken;
        Lwt_main.run (all_ways ()));
  ]

let () = main (wakers @ locks @ finalisers)
