(* OCaml 5: worker domains, and calls of Rust on them. *)

open Lwt.Syntax
open Law
open Probe
open Domain_law

let call_on_workers = Rust_half.Domains.domains_call_on_workers
let call_on_blocking_pool = Rust_half.Domains.domains_call_on_blocking_pool
let call_many = Rust_half.Domains.domains_call_many
let give_up = Rust_half.Domains.domains_give_up
let count = Rust_half.Domains.domains_count
let reverse = Rust_half.Arrays.arrays_reverse_char
let touch = Rust_half.Arrays.arrays_touch
let let_go = Rust_half.Arrays.arrays_let_go_of_all
let made_array = Rust_half.Arrays.arrays_made
let blocking = Rust_half.Domains.domains_blocking
let calls_back = Rust_half.Domains.domains_calls_back
let awaits = Rust_half.Domains.domains_awaits
let makes_a_promise = Rust_half.Domains.domains_makes_a_promise
let numbers = Rust_half.Streams.streams_numbers
let promised = Rust_half.Streams.streams_promised
let handle = Rust_half.Domains.domains_handle
let leaves_a_task = Rust_half.Domains.domains_leaves_a_task
let panics_detached = Rust_half.Domains.domains_panics_detached
let tasks = Rust_half.Domains.domains_tasks
let keep = Rust_half.Domains.domains_keep
let forget = Rust_half.Domains.domains_forget
let blocks_for_home = Rust_half.Domains.domains_blocks_for_home
let spawns_when_dropped = Rust_half.Domains.domains_spawns_when_dropped

module Eff = struct
  type _ Effect.t += Ask : int -> int Effect.t

  let answer f =
    let open Effect.Deep in
    match_with f ()
      {
        retc = Fun.id;
        exnc = raise;
        effc =
          (fun (type a) (eff : a Effect.t) ->
            match eff with
            | Ask n -> Some (fun (k : (a, _) continuation) -> continue k (n + 1))
            | _ -> None);
      }
end

let detached =
  [
    law_of_pool "value_is_the_promises" (fun pool ->
        let promise = Pool.detach pool (fun n -> List.init n string_of_int) 3 in
        check_bool "pending at first" true (Lwt.is_sleeping promise);
        let+ value = promise in
        Alcotest.(check (list string)) "value" [ "0"; "1"; "2" ] value);
    law_of_pool "job_runs_on_another_domain" (fun pool ->
        let+ there = Pool.detach pool Domain.self () in
        check_bool "another" true (there <> Domain.self ()));
    law_of_pool "value_is_the_same_one" (fun pool ->
        let value = ref "a" in
        let+ back = Pool.detach pool (fun x -> x) value in
        check_bool "same" true (back == value));
    law_of_pool "exception_is_the_rejection" (fun pool ->
        let sent = Own [ "a" ] in
        let+ ending = ending (Pool.detach pool (fun () -> raise sent) ()) in
        check_bool "same" true (match ending with Error exn -> exn == sent | Ok () -> false));
    law_of_pool ~domains:1 "exception_has_its_backtrace" (fun pool ->
        Printexc.record_backtrace true;
        let* () = Pool.detach pool (fun () -> Printexc.record_backtrace true) () in
        let[@inline never] raises () = if Sys.opaque_identity true then raise Not_found in
        Lwt.try_bind
          (fun () -> Pool.detach pool raises ())
          (fun () -> Alcotest.fail "a value")
          (fun exn ->
            let backtrace = Printexc.get_backtrace () in
            check_bool "Not_found" true (exn = Not_found);
            check_bool backtrace true (contains backtrace ~part:"test_domains");
            Lwt.return_unit));
    law_of_pool ~domains:1 "jobs_begin_in_order" (fun pool ->
        let began = ref [] in
        let* () = Lwt.join (List.init 100 (fun i -> Pool.detach pool (fun () -> began := i :: !began) ())) in
        Alcotest.(check (list int)) "order" (List.init 100 Fun.id) (List.rev !began);
        Lwt.return_unit);
    law_of_pool "as_many_jobs_as_domains_run_at_a_time" (fun pool ->
        let here = Atomic.make false and there = Atomic.make false in
        let meet mine other =
          Pool.detach pool
            (fun () ->
              Atomic.set mine true;
              spin_until other)
            ()
        in
        Lwt.join [ meet here there; meet there here ]);
    law_of_pool "lwt_goes_on_while_a_job_computes" (fun pool ->
        let go_on = Atomic.make false in
        let job = Pool.detach pool (fun () -> spin_until go_on) () in
        let* () = nap () in
        check_bool "pending" true (Lwt.is_sleeping job);
        Atomic.set go_on true;
        job);
    law_of_pool "stack_overflow_is_an_exception" (fun pool ->
        let rec deep n = 1 + deep (n + 1) in
        let* () = ends_with "Stack overflow" (Pool.detach pool deep 0) in
        Pool.detach pool Fun.id ());
    law_of_pool "effects_do_not_leave_a_job" (fun pool ->
        let* () = ends_with "Stdlib.Effect.Unhandled" (Pool.detach pool (fun () -> Effect.perform (Eff.Ask 1)) ()) in
        let+ n = Pool.detach pool (fun () -> Eff.answer (fun () -> Effect.perform (Eff.Ask 1))) () in
        check_int "answered" 2 n);
    law_of_pool "thread_exit_ends_a_job_and_not_its_domain" (fun pool ->
        let* (_ : string) = reason (Pool.detach pool (fun () -> (Thread.exit [@alert "-deprecated"] [@warning "-3"]) ()) ()) in
        Pool.detach pool Fun.id ());
    law_of_pool "ten_thousand_jobs_end" (fun pool ->
        let+ values = Lwt.all (List.init 10_000 (fun i -> Pool.detach pool succ i)) in
        check_int "sum" 50_005_000 (List.fold_left ( + ) 0 values));
  ]

let cancelled =
  [
    law_of_pool ~domains:1 "job_that_has_not_begun_never_does" (fun pool ->
        let go_on = Atomic.make false and began = Atomic.make false in
        let first = Pool.detach pool (fun () -> spin_until go_on) () in
        let second = Pool.detach pool (fun () -> Atomic.set began true) () in
        Lwt.cancel second;
        let* () = ends_with (Printexc.to_string Lwt.Canceled) second in
        Atomic.set go_on true;
        let* () = first in
        let+ () = Pool.detach pool Fun.id () in
        check_bool "began" false (Atomic.get began));
    law_of_pool ~domains:1 "job_that_computes_ends_unheard" (fun pool ->
        let began = Atomic.make false and go_on = Atomic.make false and ended = Atomic.make false in
        let job =
          Pool.detach pool
            (fun () ->
              Atomic.set began true;
              spin_until go_on;
              Atomic.set ended true)
            ()
        in
        let* () = until (fun () -> Atomic.get began) in
        Lwt.cancel job;
        let* () = ends_with (Printexc.to_string Lwt.Canceled) job in
        Atomic.set go_on true;
        let+ () = Pool.detach pool Fun.id () in
        check_bool "ended" true (Atomic.get ended));
    law_of_pool ~domains:1 "await_of_a_cancelled_job_raises_canceled" (fun pool ->
        now (begin_ ());
        let saw = Atomic.make "nothing" and began = Atomic.make false in
        let job =
          Pool.detach pool
            (fun () ->
              Atomic.set began true;
              try ignore (Pool.await (does Never 1))
              with exn ->
                (* What cleans up may await. *)
                Atomic.set saw (Printf.sprintf "%s, %d" (Printexc.to_string exn) (Pool.await (on_workers Sleeps 2))))
            ()
        in
        let* () = until (fun () -> Atomic.get began) in
        let* () = nap () in
        Lwt.cancel job;
        let* () = ends_with (Printexc.to_string Lwt.Canceled) job in
        let* () = Pool.detach pool Fun.id () in
        check_string "saw" (Printexc.to_string Lwt.Canceled ^ ", 2") (Atomic.get saw);
        let read () = let _, _, drops, _ = read_counts () in string_of_int drops in
        eventually "drops" read "1");
    law_of_pool ~domains:1 "a_million_that_were_given_up_leave_nothing" (fun pool ->
        let go_on = Atomic.make false in
        let first = Pool.detach pool (fun () -> spin_until go_on) () in
        let give_up n =
          for _ = 1 to n do
            let job = Pool.detach pool (fun () -> assert false) () in
            Lwt.cancel job
          done
        in
        give_up 1000;
        Gc.full_major ();
        let before = now (live_memory ()) in
        give_up 1_000_000;
        Gc.full_major ();
        let* () = rust_keeps_little ~than:before 100_000 in
        Atomic.set go_on true;
        first);
  ]
  @ List.map
      (fun place ->
        law_of_pool ~domains:1 (name "dropped_call_cancels" place) (fun pool ->
            let began = Atomic.make false and saw = Atomic.make "nothing" in
            let job () =
              Atomic.set began true;
              try ignore (Pool.await (does Never 1)) with exn -> Atomic.set saw (Printexc.to_string exn)
            in
            let* () = give_up pool place job (fun () -> until (fun () -> Atomic.get began)) in
            let+ () = Pool.detach pool Fun.id () in
            check_string "saw" (Printexc.to_string Lwt.Canceled) (Atomic.get saw)))
      [ Domain; Tokio; Thread ]

(* [expected] for each way to be, awaited in a job. *)
let awaited =
  let on_a_worker name job expected =
    law_of_pool name (fun pool ->
        let+ text =
          Pool.detach pool
            (fun () ->
              match job () with
              | n -> string_of_int n
              | exception Rust_async.Rust_error { message; causes } -> String.concat ": " (message :: causes)
              | exception Rust_async.Rust_panic { message; _ } -> "panic " ^ message
              | exception Rust_async.Misuse text -> "misuse: " ^ text)
            ()
        in
        check_bool text true (starts_with ~prefix:expected text))
  in
  let awaits_does name what expected = on_a_worker ("function_that_" ^ name) (fun () -> Pool.await (does what 7)) expected in
  [
    awaits_does "is_ready_gives_its_value" Ready "7";
    awaits_does "yields_gives_its_value" Yields "7";
    awaits_does "sleeps_gives_its_value" Sleeps "7";
    awaits_does "awaits_a_tokio_task_gives_its_value" Tokio_task "7";
    awaits_does "awaits_a_thread_gives_its_value" Other_thread "7";
    awaits_does "fails_raises_its_error" Fails "the probe failed: disk on fire";
    awaits_does "panics_raises_its_panic" Panics "panic the function panicked";
    on_a_worker "body_on_tokio's_workers_gives_its_value" (fun () -> Pool.await (on_workers Sleeps 7)) "7";
    on_a_worker "blocking_body_gives_its_value" (fun () -> Pool.await (blocking 7)) "7";
    law_of_pool "arrays_are_lent_and_made_there" (fun pool ->
        let job array =
          Pool.await (reverse array true);
          ignore (Pool.await (touch array) : int);
          let made = Pool.await (made_array 3) in
          Pool.await (reverse made false);
          (Lwt_bytes.to_string array, made)
        in
        let array = Lwt_bytes.of_string "abc" in
        let* seen, made = Pool.detach pool job array in
        check_string "what the job saw" "dbb" seen;
        let+ () = reverse array true in
        check_string "what OCaml has" "bbd" (Lwt_bytes.to_string array);
        check_string "what Rust made" "rrr" (Lwt_bytes.to_string made));
    (* What one lets go on a thread, another domain may come to restore, and be at it still. *)
    law_of_pool "array_is_back_when_its_call_has_ended_whoever_gives_it_back" (fun pool ->
        let stop = Atomic.make false in
        let job () =
          while not (Atomic.get stop) do
            ignore (Pool.await (does Ready 1) : int)
          done
        in
        let jobs = List.init 2 (fun _ -> Pool.detach pool job ()) in
        let arrays = Array.init 1000 (fun _ -> Lwt_bytes.of_string "abc") in
        let is_lent array = Bigarray.Array1.dim array = 0 in
        let rec calls n =
          if n = 0 then Lwt.return_unit
          else
            let* (_ : int) = let_go arrays in
            check_int "arrays that are not back" 0 (List.length (List.filter is_lent (Array.to_list arrays)));
            calls (n - 1)
        in
        let* () = Lwt.finalize (fun () -> calls 60) (fun () -> Atomic.set stop true; Lwt.return_unit) in
        Lwt.join jobs);
    on_a_worker "functions_of_the_job_are_called_there"
      (fun () ->
        let here = Domain.self () in
        let check n = if Domain.self () = here then n + 1 else 100 in
        Pool.await (calls_back check (fun n -> Lwt.return (check n))))
      "3";
    on_a_worker "lwt_code_that_awaits_rust_works"
      (fun () ->
        Pool.await
          (let* a = does Sleeps 1 in
           let* b = Lwt.catch (fun () -> does Fails 1) (fun _ -> does Yields 2) in
           let+ all = Lwt_list.map_s (does Yields) [ 3; 4 ] in
           List.fold_left ( + ) (a + b) all))
      "10";
    on_a_worker "pending_promise_is_refused" (fun () -> Pool.await (fst (Lwt.wait ()))) "misuse: Rust_async.Domain_pool.await";
    on_a_worker "pending_promise_is_refused_by_rust" (fun () -> Pool.await (awaits (fst (Lwt.wait ())))) "misuse: a pending promise";
    on_a_worker "settled_promise_is_awaited_by_rust" (fun () -> Pool.await (awaits (Lwt.return 7))) "7";
    on_a_worker "promise_cannot_be_made_by_rust" (fun () -> Lwt.state (Pool.await (makes_a_promise ())) |> function Lwt.Return n -> n | _ -> 0) "panic a Lwt promise was asked for on a worker domain";
    on_a_worker "stream_of_rust_is_refused" (fun () -> ignore (numbers 3); 0) "misuse: streams_numbers was called on a worker domain";
    on_a_worker "stream_in_a_promise_is_refused" (fun () -> ignore (Pool.await (promised 3)); 0) "panic a stream was handed to OCaml on a worker domain";
    on_a_worker "executor_of_the_domain_is_reached_from_elsewhere" (fun () -> Pool.await (handle (fun n -> n + 4))) "7";
    on_a_worker "call_inside_a_task_is_refused_when_pending"
      (fun () -> Pool.await (calls_back (fun n -> Pool.await (does Yields n)) Lwt.return))
      "misuse: domains_does was called on a worker domain by OCaml code that a Rust task runs";
    on_a_worker "call_inside_a_task_may_be_ready" (fun () -> Pool.await (calls_back (fun n -> Pool.await (does Ready n)) Lwt.return)) "1";
    law_of_pool "function_is_not_called_in_its_own_pool" (fun pool ->
        let job () = Pool.await (Pool.detach pool Fun.id 1) in
        ends_with "misuse: a function was called in a pool by one of its own" (Pool.detach pool job ()));
    law_of_pool "function_is_not_called_in_its_own_pool_by_a_body_on_tokios_threads" (fun pool ->
        let calls call () = Pool.await (call pool succ) in
        let* () = ends_with "misuse: a function was called in a pool by one of its own" (Pool.detach pool (calls call_on_workers) ()) in
        ends_with "misuse: a function was called in a pool by one of its own" (Pool.detach pool (calls call_on_blocking_pool) ()));
    law_of_pool "function_is_called_in_a_pool_by_a_body_on_tokios_threads" (fun pool ->
        let other = Pool.create ~domains:1 in
        let calls call () = Pool.await (call other succ) in
        let* n = call_on_workers pool succ in
        let* m = call_on_blocking_pool pool succ in
        let* l = Pool.detach pool (calls call_on_workers) () in
        let* k = Pool.detach pool (calls call_on_blocking_pool) () in
        check_int "values" 8 (n + m + l + k);
        Pool.shutdown other);
    law_of_pool "function_is_called_in_another_pool" (fun pool ->
        let other = Pool.create ~domains:1 in
        let* n = Pool.detach pool (fun () -> Pool.await (Pool.detach other succ 1)) () in
        check_int "value" 2 n;
        Pool.shutdown other);
    law_of_pool ~domains:1 "task_of_a_job_outlives_it" (fun pool ->
        now (begin_ ());
        let seen = Atomic.make [] in
        let* () =
          Pool.detach pool (fun () -> Pool.await (leaves_a_task (fun n -> Atomic.set seen (n :: Atomic.get seen)))) ()
        in
        let* () = until (fun () -> Atomic.get seen = [ 2; 1; 0 ]) in
        let* left = Pool.detach pool (fun () -> Pool.await (tasks ())) () in
        check_int "tasks" 1 left;
        let* () = Pool.shutdown pool in
        let _, _, drops, _ = read_counts () in
        check_int "drops" 1 drops;
        Lwt.return_unit);
    law_of_pool "job_may_block_for_the_thread_that_runs_lwt" (fun pool ->
        let collects () =
          Gc.full_major ();
          7
        in
        now (keep collects);
        let* values = Lwt.all (List.init 4 (fun _ -> Pool.detach pool (fun () -> Pool.await (blocks_for_home ())) ())) in
        Alcotest.(check (list int)) "values" [ 7; 7; 7; 7 ] values;
        forget ());
    law "destructor_at_the_end_of_a_domain_spawns_nothing" (fun () ->
        now (begin_ ());
        let pool = Pool.create ~domains:1 in
        let* () = Pool.detach pool (fun () -> Pool.await (spawns_when_dropped ())) () in
        let* () = Pool.shutdown pool in
        let next = Pool.create ~domains:1 in
        let* () = Pool.detach next Fun.id () in
        let* () = Pool.shutdown next in
        let polls, _, drops, _ = read_counts () in
        check_int "polls" 0 polls;
        check_int "drops" 1 drops;
        Lwt.return_unit);
    law_of_pool ~domains:1 "panic_of_a_detached_task_is_told_where_lwt_runs" (fun pool ->
        with_async_hook (fun told ->
            let here = Thread.id (Thread.self ()) in
            let* () = Pool.detach pool (fun () -> Pool.await (panics_detached ())) () in
            let* () = until (fun () -> told () <> "") in
            check_int "thread" here (Thread.id (Thread.self ()));
            check_bool (told ()) true (contains (told ()) ~part:"detached");
            Lwt.return_unit));
  ]

let called_from_rust =
  List.concat_map
    (fun place ->
      [
        law_of_pool (name "call_gives_the_value" place) (fun pool ->
            let+ text = call pool place (fun n text -> string_of_int n ^ text) "a" in
            check_string "value" "7a" text);
        law_of_pool (name "exception_of_a_call_is_the_same" place) (fun pool ->
            let sent = Own [ "b" ] in
            let+ ending = ending (call pool place (fun _ _ -> raise sent) "a") in
            check_bool "same" true (match ending with Error exn -> exn == sent | Ok _ -> false));
        law_of_pool (name "value_that_does_not_convert_is_refused" place) (fun pool ->
            ends_with "Invalid_argument" (call pool place (fun _ _ -> "\xff") "a"));
      ])
    [ Domain; Tokio; Thread ]
  @ [
      law_of_pool "value_of_a_call_is_the_same_one" (fun pool ->
          let value = ref "a" in
          let+ back = pass pool Fun.id value in
          check_bool "same" true (back == value));
      law_of_pool "many_calls_of_tokio_tasks" (fun pool ->
          let+ sum = call_many pool 10_000 (fun n -> String.length (String.make (n land 255) 'a')) in
          check_int "sum" (List.fold_left (fun sum n -> sum + (n land 255)) 0 (List.init 10_000 Fun.id)) sum);
      law_of_pool "domains_are_counted" (fun pool -> Lwt.map (check_int "domains" 2) (count pool));
    ]

let () =
  Alcotest.run "domains"
    [ ("detached", detached); ("cancelled", cancelled); ("awaited", awaited); ("called from Rust", called_from_rust) ]
