(* Every kind of loop, engine and hook that Lwt has. *)

open Lwt.Syntax
open Case
open Functions

external minor_words : unit -> (float[@unboxed]) = "caml_gc_minor_words" "caml_gc_minor_words_unboxed"

(* Leaves [room] words in a minor heap that was never collected, so that what was made at the start is still in it. *)
let[@inline never] fill_but_for room =
  let words = float_of_int ((Gc.get ()).minor_heap_size - room) in
  while minor_words () < words do
    ignore (Sys.opaque_identity (ref 0))
  done

let when_the_loop_runs =
  [
    case "first_call_may_collect_at_every_word" ~out:[ "64 times" ] (fun () ->
        let ended room =
          match Unix.fork () with
          | 0 ->
              fill_but_for room;
              check "a call gives its value" (Lwt_main.run (tokio 1) = 1);
              Unix._exit 0
          | pid -> snd (Unix.waitpid [] pid)
        in
        for room = 0 to 63 do
          check (Printf.sprintf "with room for %d words" room) (ended room = Unix.WEXITED 0)
        done;
        say "64 times");
    case "calls_before_the_loop_end_in_it" ~out:[ "10" ] (fun () ->
        let a = ready 1 and b = yield 2 and c = after 5 3 and d = tokio 4 in
        Unix.sleepf 0.02;
        say "%d" (List.fold_left ( + ) 0 (Lwt_main.run (Lwt.all [ a; b; c; d ]))));
    case "calls_between_two_loops_end_in_the_second" ~out:[ "1"; "10" ] (fun () ->
        let a = after 30 1 in
        say "%d" (Lwt_main.run (tokio 1));
        let b = yield 2 and c = tokio 3 and d = await (Lwt.map (fun () -> 4) (Lwt_unix.sleep 0.01)) in
        Unix.sleepf 0.05;
        say "%d" (List.fold_left ( + ) 0 (Lwt_main.run (Lwt.all [ a; b; c; d ]))));
    case "loop_that_waits_for_one_call_only" ~out:[ "1"; "2"; "3"; "4"; "5"; "6" ] (fun () ->
        let run promise = say "%d" (Lwt_main.run promise) in
        run (yield 1);
        run (after 2 2);
        run (tokio 3);
        run (await (Lwt.map (fun () -> 4) (Lwt.pause ())));
        run (home_call 5);
        run (thread_home_call 6));
    case "thousand_loops" ~out:[ "1000" ] (fun () ->
        let sum = ref 0 in
        for i = 1 to 1000 do
          let call = [| yield; tokio; after 0; home_call |].(i mod 4) in
          sum := !sum + Lwt_main.run (call 1)
        done;
        say "%d" !sum);
    case "paused_promises_that_were_abandoned_take_nothing_with_them" ~out:[ "3"; works ] (fun () ->
        let a = yield 3 in
        (Lwt.abandon_paused [@warning "-3"]) ();
        say "%d" (Lwt_main.run a);
        Lwt_main.run (all_ways ()));
    case "rust_that_never_waits_does_not_starve_lwt" ~out:[ "slept"; works ] (fun () ->
        ignore (polls_in_child "task");
        Lwt_main.run (Lwt_unix.sleep 0.02);
        say "slept";
        Lwt_main.run (all_ways ()));
    case "lwt_that_never_waits_does_not_starve_rust" ~out:[ works ] (fun () ->
        let rec busy () = Lwt.bind (Lwt.pause ()) busy in
        Lwt.async busy;
        Lwt_main.run (all_ways ()));
    case "wakes_from_threads_are_never_lost" ~out:[ "300" ] (fun () -> say "%d" (Lwt_main.run (woken_by_thread 300)));
    case "wakes_from_threads_are_never_lost_by_a_busy_loop" ~out:[ "300" ] (fun () ->
        let rec busy () = Lwt.bind (Lwt.pause ()) busy in
        Lwt.async busy;
        say "%d" (Lwt_main.run (woken_by_thread 300)));
  ]

let without_hooks =
  [
    case "hand_written_loop" ~out:[ works; works ] (fun () ->
        hand_written (all_ways ());
        hand_written (all_ways ()));
    case "hand_written_loop_with_many_calls" ~out:[ "2000" ] (fun () ->
        let calls = List.init 500 (fun _ -> [ yield 1; tokio 1; after 1 1; home_call 1 ]) in
        say "%d" (List.fold_left ( + ) 0 (hand_written (Lwt.all (List.concat calls)))));
    case "hand_written_loop_is_not_starved" ~out:[ "slept" ] (fun () ->
        ignore (polls_in_child "task");
        hand_written (Lwt_unix.sleep 0.02);
        say "slept");
    case "hand_written_loop_after_lwts_and_before_it" ~out:[ works; works; works; works ] (fun () ->
        Lwt_main.run (all_ways ());
        hand_written (all_ways ());
        Lwt_main.run (all_ways ());
        hand_written (all_ways ()));
    case "hand_written_loop_ends_with_exit" ~ending:(Exit 3) ~out:[ works; "future is dropped" ] (fun () ->
        Lwt_main.at_exit all_ways;
        ignore (never "future");
        hand_written (Lwt.map (fun _ -> exit 3) (yield 1)));
    case "exception_leaves_a_hand_written_loop" ~out:[ "raised: Not_found"; works ] (fun () ->
        Lwt.async_exception_hook := raise;
        Lwt.on_success (yield 1) (fun _ -> raise Not_found);
        (match hand_written (Lwt_unix.sleep 1.) with
        | () -> say "slept"
        | exception exn -> say "raised: %s" (Printexc.to_string exn));
        hand_written (all_ways ()));
    case "wakes_from_threads_are_never_lost_by_a_hand_written_loop" ~out:[ "300" ] (fun () ->
        say "%d" (hand_written (woken_by_thread 300)));
    case "fork_under_a_hand_written_loop" ~out:[ "child: 0"; works ] (fun () ->
        let ways = all_ways () in
        match Lwt_unix.fork () with
        | 0 ->
            misuse ~what:"in the child of a fork" (fun () -> yield 1);
            hand_written (Lwt_unix.sleep 0.01);
            exit 0
        | child ->
            (match Unix.waitpid [] child with _, WEXITED n -> say "child: %d" n | _ -> say "child: killed");
            hand_written ways);
  ]

(* An engine as a program may write one. *)
class own =
  object
    inherit Lwt_engine.select_based
    method select readable writable timeout =
      let readable, writable, _ = Unix.select readable writable [] timeout in
      (readable, writable)
  end

let engines : (string * (unit -> Lwt_engine.t)) list =
  let libev name backend =
    if Lwt_config._HAVE_LIBEV then [ (name, fun () -> (new Lwt_engine.libev ~backend () :> Lwt_engine.t)) ] else []
  in
  [ ("select", fun () -> (new Lwt_engine.select :> Lwt_engine.t)); ("an_engine_of_its_own", fun () -> (new own :> Lwt_engine.t)) ]
  @ libev "libev" Lwt_engine.Ev_backend.default
  @ libev "libev_select" Lwt_engine.Ev_backend.select
  @ libev "libev_poll" Lwt_engine.Ev_backend.poll
  @ libev "libev_epoll" Lwt_engine.Ev_backend.epoll

let with_engine (name, engine) =
  [
    case (name ^ "_from_the_start") ~out:[ works; "future is dropped" ] (fun () ->
        Lwt_engine.set (engine ());
        ignore (never "future");
        Lwt_main.run (all_ways ()));
    case (name ^ "_during_work") ~out:[ works; "3"; works ] (fun () ->
        Lwt_main.run (all_ways ());
        let slow = after 20 3 in
        Lwt_engine.set (engine ());
        say "%d" (Lwt_main.run slow);
        Lwt_main.run (all_ways ()));
    case (name ^ "_in_the_loop") ~out:[ "3"; works ] (fun () ->
        let slow = after 20 3 in
        Lwt_main.run
          (let* _ = tokio 1 in
           Lwt_engine.set (engine ());
           let* n = slow in
           say "%d" n;
           all_ways ()));
    case ("promises_are_rejected_in_a_child_with_" ^ name) ~out:[ "future: " ^ broken; "child: 0"; works; "future is dropped" ]
      (fun () ->
        Lwt_engine.set (engine ());
        let future = never "future" in
        match Lwt_unix.fork () with
        | 0 -> Lwt_main.run (say_ending "future" (as_int future))
        | child ->
            (match Unix.waitpid [] child with _, WEXITED n -> say "child: %d" n | _ -> say "child: killed");
            Lwt_main.run (all_ways ()));
  ]

let engine_after_engine =
  case "engine_after_engine" ~out:(List.concat_map (fun _ -> [ "3"; works ]) engines) (fun () ->
      let change (_, engine) =
        let slow = after 5 3 in
        Lwt_engine.set (engine ());
        say "%d" (Lwt_main.run slow);
        Lwt_main.run (all_ways ())
      in
      List.iter change engines)

(* Hooks of the program's, before the bridge's and behind it. *)
let hooks =
  let entering add hook =
    let hook = add hook in
    fun () -> Lwt_main.Enter_iter_hooks.remove hook
  in
  let leaving hook =
    let hook = Lwt_main.Leave_iter_hooks.add_last hook in
    fun () -> Lwt_main.Leave_iter_hooks.remove hook
  in
  let places =
    [
      ("before_the_bridges", entering Lwt_main.Enter_iter_hooks.add_first);
      ("after_the_bridges", entering Lwt_main.Enter_iter_hooks.add_last);
      ("at_the_end_of_a_turn", leaving);
    ]
  in
  let in_hook (name, add) =
    [
      case ("hook_" ^ name ^ "_calls_rust") ~out:[ "called"; works ] (fun () ->
          let ended = ref 0 in
          let hook () = Lwt.on_success (yield 1) (fun n -> ended := !ended + n) in
          ignore (add hook : unit -> unit);
          let rec until_called () = if !ended > 10 then Lwt.return_unit else Lwt.bind (Lwt_unix.sleep 0.001) until_called in
          Lwt_main.run (until_called ());
          say "called";
          Lwt_main.run (all_ways ()));
      case ("call_in_hook_" ^ name ^ "_ends_what_the_loop_waits_for") ~out:[ "1"; "2"; "3" ] (fun () ->
          (* None is ready at once: what a hook itself resolves would not keep Lwt's loop from going to sleep. *)
          let ways = [ yield; after 1; (fun n -> await (Lwt.map (fun () -> n) (Lwt.pause ()))) ] in
          let try_one i call =
            let promise, resolver = Lwt.wait () in
            let called = ref false in
            let hook () =
              if not !called then begin
                called := true;
                Lwt.on_success (call (i + 1)) (Lwt.wakeup_later resolver)
              end
            in
            let remove = add hook in
            (* For the hook of the end: there is none unless a turn begins and ends. *)
            Lwt.async (fun () -> Lwt_unix.sleep 0.001);
            say "%d" (Lwt_main.run promise);
            remove ()
          in
          List.iteri try_one ways);
    ]
  in
  List.concat_map in_hook places

let () =
  main (when_the_loop_runs @ without_hooks @ List.concat_map with_engine engines @ [ engine_after_engine ] @ hooks)
