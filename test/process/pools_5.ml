(* OCaml 5: the process ends, or the bridge, while worker domains have work. *)

open Case
open Functions
module Pool = Rust_async.Domain_pool

external domains_count : Pool.t -> int Lwt.t = "interop_tests__domains_count"

let watch what promise =
  Lwt.on_any promise
    (fun _ -> say "%s: fulfilled" what)
    (fun exn -> say "%s: %s" what (Printexc.to_string exn))

let until flag = while not (Atomic.get flag) do Thread.yield () done

(* A job that has begun, and does [f]. *)
let job pool f =
  let began = Atomic.make false in
  let promise =
    Pool.detach pool
      (fun () ->
        Atomic.set began true;
        f ())
      ()
  in
  until began;
  promise

(* How a child that OCaml makes here ends when it is sent a signal: one that blocks it reads its input to the end. *)
let child () =
  let input, output = Unix.pipe ~cloexec:true () in
  let child = Unix.create_process "cat" [| "cat" |] input Unix.stdout Unix.stderr in
  Unix.close input;
  Unix.kill child Sys.sigterm;
  Unix.close output;
  match Unix.waitpid [] child with
  | _, WSIGNALED signal when signal = Sys.sigterm -> "killed"
  | _, (WSIGNALED n | WSTOPPED n) -> Printf.sprintf "signal %d" n
  | _, WEXITED n -> Printf.sprintf "exit status %d" n

(* OCaml's bytecode loads its own library of Unix, which calls the C library, with the signals of its thread. *)
let killed = if Sys.backend_type = Sys.Native then "killed" else "exit status 0"

let computes_for_ever () = while true do ignore (Sys.opaque_identity (ref 0)) done
let awaits () = Pool.await (never_on_workers ())

exception Asynchronous

let signals = [ Sys.sigusr1; Sys.sigusr2; Sys.sighup; Sys.sigalrm ]

(* Handlers that raise on worker domains, whose threads take no signals otherwise; on no other thread. *)
let raising_on_workers pool ~domains =
  ignore (Thread.sigmask Unix.SIG_BLOCK signals : int list);
  List.iter (fun signal -> Sys.set_signal signal (Signal_handle (fun _ -> raise Asynchronous))) signals;
  let came = Atomic.make 0 in
  let unblock () =
    Atomic.incr came;
    while Atomic.get came < domains do Domain.cpu_relax () done;
    ignore (Thread.sigmask Unix.SIG_UNBLOCK signals : int list)
  in
  Lwt_main.run (Lwt.join (List.init domains (fun _ -> Pool.detach pool unblock ())))

(* Where they come in the bridge's own code they go to the hook, or leave the loop. *)
let () =
  let hook = !Lwt.async_exception_hook in
  Lwt.async_exception_hook := function Asynchronous -> () | exn -> hook exn

let rec run promise = try Lwt_main.run promise with Asynchronous -> run promise

(* What a job gives when no exception comes. *)
let rec at_last pool =
  Lwt.catch (fun () -> Pool.detach pool succ 1) (function Asynchronous -> at_last pool | exn -> Lwt.fail exn)

(* Of so many jobs some leave their domain with so many exceptions, which come behind their end, one after the other. They
   may come in the next job, too; and while the one before is printed. *)
let asynchronous_exceptions ~domains ~at_a_time =
  case
    (Printf.sprintf "domain_of_%d_outlives_%d_asynchronous_exceptions_between_jobs" domains at_a_time)
    ~out:[ "ended"; Printf.sprintf "%d domains, 2" domains ]
    ~err:[ (if at_a_time = 1 then "Rust_async.Domain_pool: a worker domain goes on after Dune__exe__Pools.Asynchronous" else "") ]
    (fun () ->
      let pool = Pool.create ~domains in
      raising_on_workers pool ~domains;
      let job i = if i mod 10 = 0 then signal_here at_a_time else if i land 1 = 1 then Unix.sleepf 1e-5 in
      let ends i =
        Lwt.try_bind
          (fun () -> Pool.detach pool job i)
          Lwt.return
          (function Asynchronous -> Lwt.return_unit | exn -> say "job %d: %s" i (Printexc.to_string exn); Lwt.return_unit)
      in
      run (Lwt.join (List.init 1_000 ends));
      say "ended";
      say "%d domains, %d" (run (domains_count pool)) (run (at_last pool)))

(* The exception comes in the middle of a call of Rust's, or in the job when it has ended. *)
let asynchronous_exceptions_in_calls =
  case "jobs_outlive_asynchronous_exceptions_in_calls" ~out:[ "ended"; "1 domains, 2" ] (fun () ->
      let pool = Pool.create ~domains:1 in
      raising_on_workers pool ~domains:1;
      let call i = match i mod 3 with 0 -> ready i | 1 -> yield i | _ -> tokio i in
      let job i =
        signal_here 1;
        Pool.await (call i)
      in
      let ends i =
        Lwt.try_bind
          (fun () -> Pool.detach pool job i)
          (fun value -> Lwt.return (check "value" (value = i)))
          (function Asynchronous -> Lwt.return_unit | exn -> say "job %d: %s" i (Printexc.to_string exn); Lwt.return_unit)
      in
      run (Lwt.join (List.init 1_000 ends));
      say "ended";
      say "%d domains, %d" (run (domains_count pool)) (run (at_last pool)))

(* [exit] in a job, beside what may hold the process. [Case] kills one that has not ended by itself in its time. Two jobs that call
   it at once are no law: see "Faults that are not ours" in doc/safety.md. *)
let exits_in_jobs =
  let calls = 10_000 in
  let rec turns () = Lwt.bind (Lwt.pause ()) turns in
  let beside (what, out, has) =
    case ("exit_in_a_job_beside_" ^ what ^ "_ends_the_process") ~ending:(Exit 3) ~out (fun () ->
        let pool = Pool.create ~domains:2 in
        has pool;
        (* A loop that begins while another one runs Lwt's hooks of exit is refused, by Lwt itself. *)
        Lwt_main.run (Lwt.bind (Lwt.pause ()) (fun () -> Pool.detach pool exit 3)))
  in
  case "exit_in_a_function_that_rust_calls_in_a_job_ends_the_process" ~ending:(Exit 3) (fun () ->
      let pool = Pool.create ~domains:2 in
      Lwt_main.run (Pool.detach pool (fun () -> ignore (Pool.await (call_now (fun _ -> exit 3) 1))) ()))
  :: List.map beside
       [
         ("a_job_that_awaits", [], fun pool -> ignore (job pool awaits));
         ("a_job_that_computes", [], fun pool -> ignore (job pool computes_for_ever));
         ("jobs_that_wait_for_their_turn", [], fun pool -> List.iter (fun i -> ignore (Pool.detach pool succ i)) (List.init calls Fun.id));
         ("pending_calls", [], fun _ -> List.iter (fun i -> ignore (after 60_000 i)) (List.init calls Fun.id));
         ("a_thread_that_never_stops", [], fun _ -> ignore (thread_never_stops ()));
         ("a_loop_that_never_sleeps", [], fun _ -> ignore (turns ()));
         ("a_hook_of_lwts", [ "hook" ], fun _ -> Lwt_main.at_exit (fun () -> Lwt.return (say "hook")));
         ("a_hook_that_awaits_rust", [ "hook" ], fun _ -> Lwt_main.at_exit (fun () -> Lwt.map (fun _ -> say "hook") (tokio 1)));
       ]

let cases =
  (asynchronous_exceptions_in_calls ::
  List.concat_map (fun domains -> List.map (fun at_a_time -> asynchronous_exceptions ~domains ~at_a_time) [ 1; 2; 3; 4 ]) [ 1; 2 ])
  @ [
    case "exit_with_a_pool_that_does_nothing" ~ending:(Exit 3) (fun () ->
        ignore (Pool.create ~domains:2);
        exit 3);
    case "exit_drops_the_future_that_a_job_awaits" ~out:[ "body is dropped" ] ~ending:(Exit 3) (fun () ->
        let pool = Pool.create ~domains:2 in
        ignore (job pool (fun () -> Pool.await (noisy_on_workers "body")));
        Lwt_main.run (until_began 1);
        exit 3);
    case "exit_breaks_the_promises_of_jobs_that_have_not_begun" ~out:[ "1: " ^ broken; "2: " ^ broken ] ~at_least:1. ~at_most:15.
      (fun () ->
        let pool = Pool.create ~domains:1 in
        watch "1" (job pool computes_for_ever);
        watch "2" (Pool.detach pool ignore ()));
    case "exit_waits_for_a_job_that_computes_no_longer_than_the_bound" ~out:[ "job: " ^ broken ] ~at_least:1. ~at_most:15.
      (fun () ->
        let pool = Pool.create ~domains:2 in
        watch "job" (job pool computes_for_ever));
    case "exit_lets_a_job_that_computes_end_within_the_bound" ~out:[ "job: " ^ broken; "ended" ] (fun () ->
        let pool = Pool.create ~domains:2 in
        (* It ends when the process has begun to, however busy the machine is. *)
        let heard = Atomic.make false in
        let computes () =
          until heard;
          Unix.sleepf 0.02;
          say "ended"
        in
        let promise = job pool computes in
        watch "job" promise;
        Lwt.on_termination promise (fun () -> Atomic.set heard true));
    case "exit_hooks_may_await_jobs" ~out:[ "hook: 2" ] ~ending:(Exit 3) (fun () ->
        let pool = Pool.create ~domains:2 in
        Lwt_main.at_exit (fun () -> Lwt.map (say "hook: %d") (Pool.detach pool succ 1));
        exit 3);
    case "exit_in_a_job_ends_the_process" ~ending:(Exit 3) (fun () ->
        let pool = Pool.create ~domains:2 in
        Lwt_main.run (Pool.detach pool exit 3));
    case "shutdown_ends_jobs_and_refuses_pools" ~out:[ "awaits: " ^ broken; "refused"; "refused" ] (fun () ->
        let pool = Pool.create ~domains:2 in
        watch "awaits" (job pool awaits);
        Rust_async.shutdown ();
        misuse ~what:"Rust_async.Domain_pool.detach was called after" (fun () -> Pool.detach pool ignore ());
        say "refused";
        misuse ~what:"Rust_async.Domain_pool.create was called after" (fun () -> Lwt.return (Pool.create ~domains:1));
        say "refused");
    case "shutdown_breaks_the_end_of_a_pool" ~out:[ "pool: " ^ broken ] (fun () ->
        let pool = Pool.create ~domains:2 in
        ignore (job pool awaits);
        watch "pool" (Pool.shutdown pool);
        Rust_async.shutdown ());
    case "gc_goes_on_while_workers_park" ~out:[ "collected" ] ~at_most:60. (fun () ->
        let pool = Pool.create ~domains:3 in
        ignore (Lwt_main.run (Lwt.all (List.init 10 (Pool.detach pool succ))));
        ignore (job pool awaits);
        for _ = 1 to 5 do
          Gc.full_major ()
        done;
        say "collected");
    case "signal_handler_runs_where_lwt_does" ~out:[ "on the main domain: true" ] (fun () ->
        let pool = Pool.create ~domains:2 in
        let told, resolver = Lwt.wait () in
        ignore (Lwt_unix.on_signal Sys.sigusr1 (fun _ -> Lwt.wakeup resolver (Domain.is_main_domain ())));
        ignore (job pool awaits);
        Unix.kill (Unix.getpid ()) Sys.sigusr1;
        say "on the main domain: %b" (Lwt_main.run told));
    case "signals_reach_a_child_of_a_job_and_of_a_domain_that_it_makes" ~out:[ killed; killed ] (fun () ->
        ignore (Thread.sigmask SIG_SETMASK [] : int list);
        let pool = Pool.create ~domains:2 in
        let in_a_job f = Lwt_main.run (Pool.detach pool f ()) in
        say "%s" (in_a_job child);
        say "%s" (in_a_job (fun () -> Domain.join (Domain.spawn child))));
    case "interrupt_leaves_the_loop_and_not_a_job" ~out:[ "interrupted"; "2" ] (fun () ->
        Sys.catch_break true;
        let pool = Pool.create ~domains:2 in
        let waits = job pool awaits in
        (match
           Lwt_main.run
             (Lwt.bind (Lwt.pause ()) (fun () ->
                  Unix.kill (Unix.getpid ()) Sys.sigint;
                  waits))
         with
        | () -> ()
        | exception Sys.Break -> say "interrupted");
        say "%d" (Lwt_main.run (Pool.detach pool succ 1)));
    case "fork_beside_worker_domains_is_refused_by_ocaml" ~out:[ "Failure"; "2" ] (fun () ->
        let pool = Pool.create ~domains:1 in
        (match Unix.fork () with
        | 0 -> Unix._exit 7
        | _ -> ()
        | exception Failure _ -> say "Failure");
        say "%d" (Lwt_main.run (Pool.detach pool succ 1)));
    case "destructor_on_a_domain_that_leaves_gets_an_error_for_what_is_pending"
      ~out:[ "destructor: a broken promise"; "ended" ] (fun () ->
        let pool = Pool.create ~domains:1 in
        let job () = Pool.await (calls_when_dropped (fun () -> ignore (Pool.await (yield 1)))) in
        Lwt_main.run (Pool.detach pool job ());
        Lwt_main.run (Pool.shutdown pool);
        say "ended");
    case "domains_wait_for_lwts_and_for_no_other" ~out:[ "1"; "for a worker domain"; "for a worker domain"; "on the domain thread" ]
      (fun () ->
        let first = Pool.create ~domains:1 and second = Pool.create ~domains:1 in
        let lwt = Lwt_main.run (keep_handle ()) in
        let handle pool = Lwt_main.run (Pool.detach pool (fun () -> Pool.await (keep_handle ())) ()) in
        let one = handle first and other = handle second in
        let said part line = say "%s" (if contains line ~part then part else line) in
        let in_job handle = Lwt_main.run (Pool.detach first (fun () -> Pool.await (waits_in_func handle)) ()) in
        say "%s" (in_job lwt);
        said "for a worker domain" (in_job other);
        said "for a worker domain" (Lwt_main.run (waits_in_func one));
        said "on the domain thread" (in_job one));
    case "thread_of_a_worker_domain_that_would_wait_is_refused" ~out:[ "holds OCaml's runtime lock"; "1" ] (fun () ->
        let pool = Pool.create ~domains:1 in
        let lwt = Lwt_main.run (keep_handle ()) in
        let told = ref "" in
        let job () = Thread.join (Thread.create (fun () -> told := waits lwt) ()) in
        Lwt_main.run (Pool.detach pool job ());
        let part = "holds OCaml's runtime lock" in
        say "%s" (if contains !told ~part then part else !told);
        say "%d" (Lwt_main.run (tokio 1)));
    case "handle_of_a_domain_that_is_gone_gives_errors" ~out:[ "a broken promise"; "a broken promise" ] (fun () ->
        let pool = Pool.create ~domains:1 in
        let gone = Lwt_main.run (Pool.detach pool (fun () -> Pool.await (keep_handle ())) ()) in
        Lwt_main.run (Pool.shutdown pool);
        say "%s" (Lwt_main.run (Lwt_preemptive.detach waits_released gone));
        say "%s" (Lwt_main.run (Lwt_preemptive.detach waits_released gone)));
    case "interrupt_while_domains_are_joined_is_not_lost" ~out:[ "interrupted"; "2" ] (fun () ->
        Sys.catch_break true;
        let pool = Pool.create ~domains:2 in
        (* The domain's own end, for which the thread that runs Lwt waits by then. *)
        let at_its_end () =
          Domain.at_exit (fun () ->
              Unix.sleepf 0.05;
              Unix.kill (Unix.getpid ()) Sys.sigint;
              Unix.sleepf 0.05)
        in
        Lwt_main.run (Pool.detach pool at_its_end ());
        (match Lwt_main.run (Pool.shutdown pool) with () -> say "lost" | exception Sys.Break -> say "interrupted");
        say "%d" (Lwt_main.run (Pool.detach (Pool.create ~domains:2) succ 1)));
    case "interrupt_while_a_pool_is_made_leaves_no_domain" ~out:[ "Stdlib.Sys.Break"; "gone"; "2" ] (fun () ->
        Sys.catch_break true;
        ignore (Lwt_main.run (tokio 1) : int);
        let threads () = Array.length (Sys.readdir "/proc/self/task") in
        let before = threads () in
        Domain.before_first_spawn (fun () -> Unix.kill (Unix.getpid ()) Sys.sigint);
        (match Pool.create ~domains:2 with
        | (_ : Pool.t) -> say "lost"
        | exception exn -> say "%s" (Printexc.to_string exn));
        (* A domain has two threads, of which one may stay for the next domain. *)
        while threads () > before + 2 do
          Lwt_main.run (Lwt_unix.sleep 0.01)
        done;
        say "gone";
        say "%d" (Lwt_main.run (Pool.detach (Pool.create ~domains:2) succ 1)));
    case "exit_3_with_ten_thousand_jobs_under_way" ~ending:(Exit 3) (fun () ->
        let pool = Pool.create ~domains:2 in
        for i = 1 to 10_000 do
          ignore (Pool.detach pool (fun i -> if i land 7 = 0 then Pool.await (tokio i) else i) i)
        done;
        ignore (Lwt_main.run (tokio 1));
        exit 3);
  ]
[@@ocamlformat "disable"]

let () = main (exits_in_jobs @ cases)
