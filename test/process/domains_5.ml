(* OCaml 5: a domain that does not run Lwt. *)

open Case
open Functions

let in_domain f = Domain.join (Domain.spawn f)

let refused () =
  misuse ~what:"process_ready was called on thread" (fun () -> ready 1);
  misuse ~what:"process_sum" (fun () -> sum 1 2 3 4 5 6)

let beside_collecting_domains f =
  let stop = Atomic.make false in
  let collect () =
    while not (Atomic.get stop) do
      Gc.minor ();
      ignore (Sys.opaque_identity (Array.make 1000 "a"))
    done
  in
  let domains = List.init 2 (fun _ -> Domain.spawn collect) in
  f ();
  Atomic.set stop true;
  List.iter Domain.join domains

let cases =
  [
    case "call_from_a_domain_is_refused" ~out:[ "1" ] (fun () ->
        ignore (Lwt_main.run (tokio 1));
        in_domain refused;
        say "%d" (Lwt_main.run (tokio 1)));
    case "first_call_from_a_domain_is_refused" ~out:[ "1" ] (fun () ->
        in_domain refused;
        say "%d" (Lwt_main.run (tokio 1)));
    case "first_calls_of_functions_without_a_promise_may_come_from_many_domains" ~out:[ "all"; "1" ] (fun () ->
        let add = Rust_half.Process.Access.process_sync_add in
        let call n = Domain.spawn (fun () -> check "a sum" (add (n + 1) 1 = n + 2)) in
        List.iter Domain.join (List.init 8 call);
        say "all";
        say "%d" (Lwt_main.run (tokio 1)));
    case "call_from_a_thread_of_a_domain_is_refused" ~out:[ "1" ] (fun () ->
        ignore (Lwt_main.run (tokio 1));
        in_domain (fun () -> Thread.join (Thread.create refused ()));
        say "%d" (Lwt_main.run (tokio 1)));
    case "domains_collect_while_rust_runs" ~out:[ "sum: 499500" ] (fun () ->
        beside_collecting_domains (fun () ->
            let calls = List.init 1000 (fun i -> Lwt.bind (tokio i) home_call) in
            say "sum: %d" (List.fold_left ( + ) 0 (Lwt_main.run (Lwt.all calls)))));
    case "domains_collect_while_blocking_calls_run" ~out:[ "sum: 499500" ] (fun () ->
        beside_collecting_domains (fun () ->
            let f n = String.length (Sys.opaque_identity (String.make n 'a')) in
            let call i = if i land 1 = 0 then blocking_call f i else blocking_call_of_worker f i in
            say "sum: %d" (List.fold_left ( + ) 0 (Lwt_main.run (Lwt.all (List.init 1000 call))))));
    case "promise_that_a_domain_collects_is_broken" ~out:[ "broken" ] (fun () ->
        let awaited = await (fst (Lwt.wait ())) in
        in_domain (fun () ->
            Gc.full_major ();
            Gc.full_major ());
        match Lwt_main.run awaited with
        | _ -> ()
        | exception Rust_async.Broken_promise -> say "broken");
    (* Rust panics in a function of OCaml's that Rust called on a fiber: the way back to the main stack is one that no walk of
       the stack finds. *)
    case "panic_on_a_fiber_with_backtraces_on_is_a_panic"
      ~env:[ ("RUST_BACKTRACE", "1") ]
      ~out:[ "Rust_panic: on a fiber"; works ]
      ~err:[ "panicked at"; "on a fiber"; "no backtrace" ]
      (fun () ->
        let in_fiber f =
          Effect.Deep.match_with f () { retc = Fun.id; exnc = raise; effc = (fun _ -> None) }
        in
        let call () = call_now (fun n -> in_fiber (fun () -> ignore (panics_at_once "on a fiber"); n)) 1 in
        let ended = in_fiber (fun () -> ignore (call ()); panics_at_once "on a fiber") in
        (match Lwt_main.run ended with
        | () -> say "it ended"
        | exception Rust_async.Rust_panic { message; _ } -> say "Rust_panic: %s" message);
        Lwt_main.run (all_ways ()));
    case "handler_of_tokio_runs_beside_fibers" ~out:[ "heard" ] (fun () ->
        Sys.set_signal Sys.sigusr1 Sys.Signal_ignore;
        let parent = Unix.getpid () in
        let sender =
          match Unix.fork () with
          | 0 ->
              while Unix.getppid () = parent do
                Unix.kill parent Sys.sigusr1;
                Unix.sleepf 0.0001
              done;
              Unix._exit 0
          | sender -> sender
        in
        let heard = hears_sigusr1 2000 in
        let in_fiber () =
          Effect.Deep.match_with
            (fun () ->
              for i = 1 to 1000 do
                ignore (Sys.opaque_identity i)
              done)
            ()
            { retc = Fun.id; exnc = raise; effc = (fun _ -> None) }
        in
        let rec turns () =
          for _ = 1 to 100 do
            in_fiber ()
          done;
          match Lwt.state heard with
          | Lwt.Sleep -> Lwt.bind (Lwt.pause ()) turns
          | Lwt.Return () -> Lwt.return_unit
          | Lwt.Fail exn -> Lwt.fail exn
        in
        Lwt_main.run (turns ());
        Unix.kill sender Sys.sigkill;
        ignore (Unix.waitpid [] sender);
        say "heard");
    case "exit_while_domains_run" ~ending:(Exit 3) ~out:[ "future is dropped" ] (fun () ->
        ignore (never "future");
        ignore (Lwt_main.run (tokio 1));
        let domain =
          Domain.spawn (fun () ->
              for _ = 1 to 1000 do
                ignore (Sys.opaque_identity (Array.make 1000 "a"))
              done)
        in
        ignore domain;
        exit 3);
  ]
