(* Tokio's runtime: its size, and a program's own. *)

open Case
open Functions

let workers () = say "%d workers" (Lwt_main.run (workers ()))
let threads n = [ ("TOKIO_WORKER_THREADS", n) ]

let failure part f =
  match f () with
  | _ -> check "it did not fail" false
  | exception Failure message -> check message (contains message ~part)

let cases =
  [
    case "size_from_the_environment" ~env:(threads "3") ~out:[ "3 workers"; works ] (fun () ->
        workers ();
        Lwt_main.run (all_ways ()));
    case "one_worker_is_enough" ~env:(threads "1") ~out:[ "1 workers"; works ] (fun () ->
        workers ();
        Lwt_main.run (all_ways ()));
    case "size_from_ocaml_wins" ~env:(threads "3") ~out:[ "2 workers"; works ] (fun () ->
        Rust_async.set_worker_threads 2;
        workers ();
        Lwt_main.run (all_ways ()));
    case "last_size_wins" ~out:[ "3 workers" ] (fun () ->
        Rust_async.set_worker_threads 2;
        check "set from Rust" (set_workers 4 = "");
        Rust_async.set_worker_threads 3;
        workers ());
    case "size_from_rust" ~out:[ "4 workers" ] (fun () ->
        check "set from Rust" (set_workers 4 = "");
        workers ());
    case "size_is_refused_after_the_first_call" ~out:[ "works"; works ] (fun () ->
        ignore (Lwt_main.run (tokio 1));
        misuse ~what:"Rust_async.set_worker_threads was called after" (fun () -> Rust_async.set_worker_threads 2);
        check "refused from Rust" (contains (set_workers 2) ~part:"was set after the runtime had started");
        say "works";
        Lwt_main.run (all_ways ()));
    case "no_worker_at_all_is_refused" ~out:[ works ] (fun () ->
        let refused n =
          match Rust_async.set_worker_threads n with
          | () -> check "refused" false
          | exception Invalid_argument message -> check message (contains message ~part:"set_worker_threads")
        in
        refused 0;
        refused (-1);
        Lwt_main.run (all_ways ()));
    case "size_that_is_no_number_is_a_failure_and_stays_one" ~env:(threads "many") ~out:[ "refused" ]
      (fun () ->
        failure "TOKIO_WORKER_THREADS" (fun () -> ready 1);
        failure "TOKIO_WORKER_THREADS" (fun () -> tokio 1);
        say "refused");
    case "size_of_zero_is_a_failure" ~env:(threads "0") ~out:[ "refused" ] (fun () ->
        failure "TOKIO_WORKER_THREADS" (fun () -> ready 1);
        say "refused");
    case "workers_have_a_name" ~out:[ "tokio-ocaml" ] (fun () -> say "%s" (Lwt_main.run (worker_name ())));
    case "runtime_of_the_program" ~out:[ "mine"; "1 workers"; "true"; works; "future is dropped" ] (fun () ->
        check "set" (bring_runtime "mine" = "");
        say "%s" (Lwt_main.run (worker_name ()));
        workers ();
        say "%b" (Lwt_main.run (one_runtime ()));
        ignore (never "future");
        Lwt_main.run (all_ways ()));
    case "size_of_the_runtime_of_the_program_is_its_own" ~out:[ "1 workers" ] (fun () ->
        check "set" (bring_runtime "mine" = "");
        misuse ~what:"Rust_async.set_worker_threads" (fun () -> Rust_async.set_worker_threads 2);
        workers ());
    case "runtime_of_the_program_is_not_shut_down" ~out:[ "shut down" ] ~at_most:10. (fun () ->
        check "set" (bring_runtime "mine" = "");
        ignore (blocking 60.);
        ignore (tokio_busy ());
        Rust_async.shutdown ();
        say "shut down");
    case "second_runtime_is_refused" ~out:[ "true"; works ] (fun () ->
        Lwt_main.run (Lwt.map ignore (tokio 1));
        check "refused" (contains (bring_runtime "mine") ~part:"was set after the runtime had started");
        say "%b" (Lwt_main.run (one_runtime ()));
        Lwt_main.run (all_ways ()));
  ]

let () = main cases
