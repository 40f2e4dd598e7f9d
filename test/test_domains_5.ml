(* OCaml 5: worker domains, and calls of Rust on them. *)

open Lwt.Syntax
open Law
open Probe
module Pool = Rust_async.Domain_pool

type does = Ready | Yields | Sleeps | Tokio_task | Other_thread | Fails | Panics | Never

external call_on_workers : Pool.t -> (int -> int) -> int Lwt.t = "interop_tests__domains_call_on_workers"
external call_on_blocking_pool : Pool.t -> (int -> int) -> int Lwt.t = "interop_tests__domains_call_on_blocking_pool"
external call : Pool.t -> place -> (int -> string -> string) -> string -> string Lwt.t = "interop_tests__domains_call"
external pass : Pool.t -> ('a -> 'b) -> 'a -> 'b Lwt.t = "interop_tests__domains_pass"
external call_many : Pool.t -> int -> (int -> int) -> int Lwt.t = "interop_tests__domains_call_many"
external give_up : Pool.t -> place -> (unit -> unit) -> (unit -> unit Lwt.t) -> unit Lwt.t = "interop_tests__domains_give_up"
external count : Pool.t -> int Lwt.t = "interop_tests__domains_count"
external does : does -> int -> int Lwt.t = "interop_tests__domains_does"
external on_workers : does -> int -> int Lwt.t = "interop_tests__domains_on_workers"
external reverse : Lwt_bytes.t -> bool -> unit Lwt.t = "interop_tests__arrays_reverse_char"
external touch : Lwt_bytes.t -> int Lwt.t = "interop_tests__arrays_touch"
external made_array : int -> Lwt_bytes.t Lwt.t = "interop_tests__arrays_made"
external blocking : int -> int Lwt.t = "interop_tests__domains_blocking"
external calls_back : (int -> int) -> (int -> int Lwt.t) -> int Lwt.t = "interop_tests__domains_calls_back"
external awaits : int Lwt.t -> int Lwt.t = "interop_tests__domains_awaits"
external makes_a_promise : unit -> int Lwt.t Lwt.t = "interop_tests__domains_makes_a_promise"
external numbers : int -> int Lwt_stream.t = "interop_tests__streams_numbers"
external promised : int -> int Lwt_stream.t Lwt.t = "interop_tests__streams_promised"

type thing
type small
type local

external make_thing : string -> thing = "interop_tests__thing_make"
external name_of_thing : thing -> string = "interop_tests__objects_name"
external calls_with_thing : thing -> (unit -> unit) -> string = "interop_tests__thing_calls"
external make_small : unit -> small = "interop_tests__small_make"
external use_small : small -> int = "interop_tests__small_use_it"
external small_gone : unit -> int = "interop_tests__objects_small_gone"
external make_local : string -> local = "interop_tests__local_make"
external append : local -> string -> string Lwt.t = "interop_tests__local_append"
external close : 'a -> unit = "ocaml_lwt_interop_close"
external objects_log : unit -> string array = "interop_tests__objects_log"
external handle : (int -> int) -> int Lwt.t = "interop_tests__domains_handle"
external leaves_a_task : (int -> unit) -> unit Lwt.t = "interop_tests__domains_leaves_a_task"
external panics_detached : unit -> unit Lwt.t = "interop_tests__domains_panics_detached"
external tasks : unit -> int Lwt.t = "interop_tests__domains_tasks"
external keep : (unit -> int) -> unit Lwt.t = "interop_tests__domains_keep"
external forget : unit -> unit Lwt.t = "interop_tests__domains_forget"
external blocks_for_home : unit -> int Lwt.t = "interop_tests__domains_blocks_for_home"
external spawns_when_dropped : unit -> unit Lwt.t = "interop_tests__domains_spawns_when_dropped"
external sum_in : place -> int Lwt_stream.t -> int Lwt.t = "interop_tests__streams_sum"

(* A law of a pool that is its own, and gone at its end. *)
let law_of_pool ?(domains = 2) name program =
  law name (fun () ->
      let pool = Pool.create ~domains in
      Lwt.finalize (fun () -> program pool) (fun () -> Pool.shutdown ~cancel:true pool))

let until condition =
  eventually "it" (fun () -> if condition () then "so" else "not yet") "so"

let name law place = law ^ "_" ^ in_place place

(* What a job waits for that computes: no promise. *)
let spin_until flag =
  while not (Atomic.get flag) do
    Domain.cpu_relax ()
  done

let reason promise =
  let+ ending = ending promise in
  match ending with
  | Ok _ -> "a value"
  | Error (Rust_async.Misuse text) -> "misuse: " ^ text
  | Error (Rust_async.Rust_panic { message; _ }) -> "panic " ^ message
  | Error exn -> Printexc.to_string exn

let ends_with what promise =
  let+ text = reason promise in
  check_bool (what ^ ": " ^ text) true (starts_with ~prefix:what text)

exception Own of string list

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

let ends =
  [
    law "shutdown_waits_for_jobs" (fun () ->
        let pool = Pool.create ~domains:2 in
        let ended = Atomic.make 0 in
        let jobs =
          List.init 100 (fun _ ->
              Pool.detach pool
                (fun () ->
                  ignore (Pool.await (on_workers Sleeps 1));
                  Atomic.incr ended)
                ())
        in
        let* () = Pool.shutdown pool in
        check_int "ended" 100 (Atomic.get ended);
        Lwt.join jobs);
    law "shutdown_that_cancels_keeps_jobs_from_beginning" (fun () ->
        let pool = Pool.create ~domains:1 in
        let began = Atomic.make 0 in
        let jobs =
          List.init 100 (fun _ ->
              Pool.detach pool
                (fun () ->
                  Atomic.incr began;
                  Pool.await (does Never 1))
                ())
        in
        let* () = until (fun () -> Atomic.get began = 1) in
        let* () = Pool.shutdown ~cancel:true pool in
        check_int "began" 1 (Atomic.get began);
        Lwt_list.iter_p (ends_with (Printexc.to_string Lwt.Canceled)) jobs);
    law "shutdown_may_be_called_again_to_cancel" (fun () ->
        let pool = Pool.create ~domains:2 in
        let job = Pool.detach pool (fun () -> Pool.await (does Never 1)) () in
        let first = Pool.shutdown pool in
        let* () = nap () in
        check_bool "waits" true (Lwt.is_sleeping first);
        let* () = Pool.shutdown ~cancel:true pool in
        let* () = first in
        let* () = Pool.shutdown pool in
        ends_with (Printexc.to_string Lwt.Canceled) job);
    law_of_pool "shutdown_in_a_job_is_refused" (fun pool ->
        ends_with "misuse: Rust_async.Domain_pool.shutdown was called on a worker domain"
          (Pool.detach pool (fun () -> Pool.await (Pool.shutdown pool)) ()));
    law "pools_may_be_shut_down_at_the_same_time" (fun () ->
        let rec round n =
          if n = 0 then Lwt.return_unit
          else
            let pools = List.init 3 (fun _ -> Pool.create ~domains:2) in
            let job pool i = Pool.detach pool (fun i -> String.make 10 (Char.chr (65 + i))) i in
            let jobs = List.concat_map (fun pool -> List.init 20 (job pool)) pools in
            let ends = List.map Pool.shutdown pools in
            let* () = Lwt.join ends in
            let* texts = Lwt.all jobs in
            check_bool "texts" true (List.for_all (fun text -> text = String.make 10 text.[0]) texts);
            round (n - 1)
        in
        round 10);
    law "values_outlive_their_domain" (fun () ->
        let text round i = Printf.sprintf "value %d of round %d" i round in
        let rec round n =
          if n = 0 then Lwt.return_unit
          else
            let pool = Pool.create ~domains:1 in
            let jobs = List.init 10 (Pool.detach pool (text n)) in
            let ended = Pool.shutdown pool in
            (* Rust has the values, and nobody asks for them while the domain ends, and some collections more. *)
            Unix.sleepf 0.02;
            for _ = 1 to 3 do
              ignore (Sys.opaque_identity (List.init 20_000 (Printf.sprintf "junk %d")));
              Gc.full_major ()
            done;
            let* () = ended in
            let* texts = Lwt.all jobs in
            Alcotest.(check (list string)) "values" (List.init 10 (text n)) texts;
            round (n - 1)
        in
        round 20);
    law "shutdown_cannot_be_cancelled" (fun () ->
        let pool = Pool.create ~domains:1 in
        let ended = Pool.shutdown pool in
        Lwt.cancel ended;
        ended);
    law "pool_that_was_shut_down_refuses" (fun () ->
        let pool = Pool.create ~domains:1 in
        let* () = Pool.shutdown pool in
        let* () = ends_with "misuse: a function was called in a pool of worker domains that was shut down" (Pool.detach pool Fun.id ()) in
        let* () = ends_with "misuse: a function was called in a pool of worker domains that was shut down" (call pool Tokio (fun _ text -> text) "a") in
        Lwt.map (check_int "domains" 0) (count pool));
    law "pools_come_and_go" (fun () ->
        let rec round n =
          if n = 0 then Lwt.return_unit
          else
            let pool = Pool.create ~domains:3 in
            let* values = Lwt.all (List.init 10 (fun i -> Pool.detach pool (fun i -> Pool.await (does Yields i)) i)) in
            check_int "sum" 45 (List.fold_left ( + ) 0 values);
            let* () = Pool.shutdown pool in
            round (n - 1)
        in
        let* () = round 5 in
        Gc.full_major ();
        let before = now (live_memory ()) in
        let* () = round 45 in
        Gc.full_major ();
        rust_keeps_little ~than:before 10_000);
    law_now "number_of_domains_is_checked" (fun () ->
        List.iter
          (fun domains ->
            match Pool.create ~domains with
            | (_ : Pool.t) -> Alcotest.fail "made"
            | exception Invalid_argument message -> check_bool message true (contains message ~part:(string_of_int domains)))
          [ -1; 0; 4097; max_int ]);
    law "pool_is_not_made_on_another_domain" (fun () ->
        Domain.join
          (Domain.spawn (fun () ->
               match Pool.create ~domains:1 with
               | (_ : Pool.t) -> Alcotest.fail "made"
               | exception Rust_async.Misuse _ -> ()));
        Lwt.return_unit);
    law_of_pool "pool_is_not_made_on_a_worker_domain" (fun pool ->
        ends_with "misuse: Rust_async.Domain_pool.create was called on a worker domain"
          (Pool.detach pool (fun () -> ignore (Pool.create ~domains:1)) ()));
    law "runtime_that_refuses_a_domain_leaves_nothing" (fun () ->
        (* 127 beside this one are the most there can be. *)
        let pool = Pool.create ~domains:100 in
        (match Pool.create ~domains:100 with
        | (_ : Pool.t) -> Alcotest.fail "made"
        | exception Failure _ -> ());
        let* n = Pool.detach pool succ 1 in
        check_int "value" 2 n;
        Pool.shutdown pool);
  ]

(* What each of two worker domains says of itself: their jobs wait for one another. *)
let of_each pool f =
  let came = Atomic.make 0 in
  let job () =
    Atomic.incr came;
    while Atomic.get came < 2 do Domain.cpu_relax () done;
    f ()
  in
  let* first = Pool.detach pool job () and* second = Pool.detach pool job () in
  Lwt.return [ first; second ]

(* Objects. *)

let objects =
  (* What destructors have said, once there are so many of them. *)
  let check_logged expected =
    let seen = ref [] in
    let look () =
      Gc.full_major ();
      seen := !seen @ Array.to_list (objects_log ());
      String.concat "; " (List.sort compare !seen)
    in
    eventually "destructors" look (String.concat "; " (List.sort compare expected))
  in
  let elsewhere what call =
    match call () with
    | (_ : string) -> Alcotest.failf "%s was not refused" what
    | exception Rust_async.Misuse text -> check_bool text true (contains text ~part:"belongs to the thread that made it")
  in
  [
    law_of_pool "object_is_used_and_closed_on_every_domain" (fun pool ->
        let here = make_thing "here" in
        let* there = Pool.detach pool (fun () -> check_string "there" "here" (name_of_thing here); make_thing "there") () in
        check_string "here" "there" (name_of_thing there);
        let* () = Pool.detach pool close here in
        (match name_of_thing here with
        | _ -> Alcotest.fail "it was closed"
        | exception Rust_async.Misuse _ -> ());
        close there;
        check_logged [ "here elsewhere"; "there elsewhere" ]);
    law_of_pool "object_that_another_domain_closes_stays_for_the_call" (fun pool ->
        let thing = make_thing "it" in
        let closing = ref Lwt.return_unit in
        let closed = Atomic.make false in
        let value =
          calls_with_thing thing (fun () ->
              closing := Pool.detach pool (fun () -> close thing; Gc.full_major (); Atomic.set closed true) ();
              while not (Atomic.get closed) do Domain.cpu_relax () done;
              Gc.full_major ();
              check_int "nothing went" 0 (Array.length (objects_log ())))
        in
        check_string "the value" "it" value;
        let* () = !closing in
        check_logged [ "it elsewhere" ]);
    law_of_pool "object_that_two_domains_close_goes_once" (fun pool ->
        let count = 2_000 in
        let before = small_gone () in
        let smalls = Array.init count (fun _ -> make_small ()) in
        let* (_ : unit list) = of_each pool (fun () -> Array.iter close smalls) in
        eventually "gone" (fun () -> string_of_int (small_gone () - before)) (string_of_int count));
    law_of_pool "calls_race_with_another_domain_that_closes" (fun pool ->
        let count = 20_000 in
        let before = small_gone () in
        let smalls = Array.init count (fun _ -> make_small ()) in
        let reached = Atomic.make 0 in
        let closer () =
          Array.iteri
            (fun i small ->
              while Atomic.get reached < i do Domain.cpu_relax () done;
              close small)
            smalls
        in
        let job = Pool.detach pool closer () in
        Array.iteri
          (fun i small ->
            Atomic.set reached i;
            for _ = 1 to 3 do
              match use_small small with
              | (_ : int) -> ()
              | exception Rust_async.Misuse _ -> ()
            done)
          smalls;
        let* () = job in
        eventually "gone" (fun () -> string_of_int (small_gone () - before)) (string_of_int count));
    law_of_pool "objects_of_a_worker_domain_are_collected" (fun pool ->
        let count = 10_000 in
        let before = small_gone () in
        let* (_ : unit list) =
          of_each pool (fun () ->
              for i = 1 to count do
                let small = make_small () in
                ignore (use_small small : int);
                if i land 1 = 0 then close small
              done;
              Gc.full_major ())
        in
        let left () =
          Gc.full_major ();
          string_of_int (small_gone () - before)
        in
        let rec collect times =
          if left () = string_of_int (2 * count) then Lwt.return_unit
          else if times = 0 then Alcotest.failf "%s of %d are gone" (left ()) (2 * count)
          else
            let* (_ : unit list) = of_each pool Gc.full_major in
            let* () = Lwt_unix.sleep 0.002 in
            collect (times - 1)
        in
        collect 1_000);
    law_of_pool ~domains:1 "object_that_is_not_Send_is_refused_on_another_domain" (fun pool ->
        let local = make_local "mine" in
        let append_there local () = elsewhere "mine, there" (fun () -> Pool.await (append local "!")) in
        let* () = Pool.detach pool (append_there local) () in
        let* theirs = Pool.detach pool (fun () -> let local = make_local "theirs" in ignore (Pool.await (append local "?")); local) () in
        let* () =
          Lwt.catch
            (fun () -> Lwt.map (fun _ -> Alcotest.fail "theirs was not refused") (append theirs "!"))
            (function Rust_async.Misuse _ -> Lwt.return_unit | exn -> Lwt.fail exn)
        in
        let* text = append local "." in
        check_string "it is as it was" "mine." text;
        (* Each goes on its own thread, whoever closes it. *)
        let* () = Pool.detach pool close local in
        close theirs;
        let* () = Pool.detach pool ignore () in
        check_logged [ "mine. at home"; "theirs? at home" ]);
  ]
[@@ocamlformat "disable"]

(* [Rust_async.stats] is about the thread that asks, so [Law.law] looks at none of these. *)
let counters =
  let own () =
    let { Rust_async.tasks; subscriptions; roots = _; objects = _; loans = _ } = Rust_async.stats () in
    Printf.sprintf "%d tasks, %d subscriptions" tasks subscriptions
  in
  let nothing = [ "0 tasks, 0 subscriptions"; "0 tasks, 0 subscriptions" ] in
  let back_to_zero name jobs =
    law_of_pool (name ^ "_leave_nothing_on_their_domain") (fun pool ->
        let check when_ = Lwt.map (Alcotest.(check (list string)) when_ nothing) (of_each pool own) in
        let* () = check "before" in
        let* () = Lwt.join (List.init 100 (fun i -> Lwt.map ignore (reason (jobs pool i)))) in
        (* A job that was cancelled may still be about to end, as others' tasks may. *)
        let rec look times =
          let* seen = of_each pool own in
          if seen = nothing then Lwt.return_unit
          else if times = 0 then check "after"
          else Lwt.bind (Lwt_unix.sleep 0.001) (fun () -> look (times - 1))
        in
        look 5_000)
  in
  let awaited f pool i = Pool.detach pool (fun i -> Pool.await (f i)) i in
  let given_up what pool i =
    let began = Atomic.make false in
    let job = Pool.detach pool (fun i -> Atomic.set began true; Pool.await (does what i)) i in
    let* () = until (fun () -> Atomic.get began) in
    let* () = if i land 1 = 0 then Lwt.pause () else Lwt_unix.sleep 0.001 in
    Lwt.cancel job;
    job
  in
  [
    law_of_pool ~domains:1 "tasks_are_counted_on_their_domain" (fun pool ->
        now (begin_ ());
        let here = own () in
        let* () = Pool.detach pool (fun () -> Pool.await (leaves_a_task ignore)) () in
        let* there = Pool.detach pool own () in
        check_string "there" "1 tasks, 0 subscriptions" there;
        check_string "here" here (own ());
        Lwt.return_unit);
    back_to_zero "functions_that_yield" (awaited (does Yields));
    back_to_zero "functions_that_sleep" (awaited (does Sleeps));
    back_to_zero "functions_that_await_tokio" (awaited (does Tokio_task));
    back_to_zero "functions_that_await_a_thread" (awaited (does Other_thread));
    back_to_zero "functions_that_fail" (awaited (does Fails));
    back_to_zero "functions_that_panic" (awaited (does Panics));
    back_to_zero "bodies_on_tokio's_workers" (awaited (on_workers Sleeps));
    back_to_zero "functions_that_call_back" (awaited (fun _ -> calls_back succ (fun n -> Lwt.return n)));
    back_to_zero "promises_that_rust_awaits" (awaited (fun i -> awaits (Lwt.return i)));
    back_to_zero "promises_that_rust_may_not_await" (awaited (fun _ -> awaits (fst (Lwt.wait ()))));
    back_to_zero "closures_for_the_domain" (awaited (fun _ -> handle succ));
    back_to_zero "functions_that_are_given_up" (given_up Never);
    back_to_zero "functions_that_end_or_are_given_up" (given_up Sleeps);
    back_to_zero "streams_that_are_refused" (awaited (fun i -> Lwt_stream.to_list (numbers i)));
    back_to_zero "streams_that_rust_may_not_read" (awaited (fun i -> sum_in Domain (Lwt_stream.of_list [ i ])));
  ]

(* Everything at once, while somebody collects. *)
let races =
  let mixed pool n =
    let text = String.make (n land 63) 'a' in
    match n mod 8 with
    | 0 -> Pool.detach pool (fun n -> String.length (String.sub text 0 0) + n) n
    | 1 -> Pool.detach pool (fun n -> Pool.await (does Yields n)) n
    | 2 -> Pool.detach pool (fun n -> Pool.await (on_workers Tokio_task n)) n
    | 3 ->
        let job = Pool.detach pool (fun n -> try Pool.await (does Never n) with Lwt.Canceled -> n) n in
        let* () = Lwt.pause () in
        Lwt.cancel job;
        Lwt.catch (fun () -> job) (fun _ -> Lwt.return n)
    | 4 -> Lwt.catch (fun () -> Pool.detach pool (fun _ -> raise (Own [ text ])) n) (fun _ -> Lwt.return n)
    | 5 -> Lwt.map (fun back -> n + String.length back - String.length text - 1) (call pool Tokio (fun _ t -> t ^ "b") text)
    | 6 -> Lwt.catch (fun () -> Pool.detach pool (fun n -> Pool.await (does Panics n)) n) (fun _ -> Lwt.return n)
    | _ -> Pool.detach pool (fun n -> Pool.await (handle (fun m -> m + n - 3))) n
  in
  let rounds pool times =
    let rec round n =
      if n = times then Lwt.return_unit
      else
        let* values = Lwt.all (List.init 200 (fun i -> mixed pool i)) in
        check_int "sum" (200 * 199 / 2) (List.fold_left ( + ) 0 values);
        round (n + 1)
    in
    round 0
  in
  [
    law_of_pool "mixed_jobs_leave_nothing" (fun pool -> rounds pool 20);
    law_of_pool "mixed_jobs_beside_a_collector_leave_nothing" (fun pool -> Collector.beside (fun () -> rounds pool 10));
    law_of_pool "jobs_that_collect_leave_nothing" (fun pool ->
        let collects = Pool.detach pool (fun () -> for _ = 1 to 20 do Gc.full_major () done) () in
        let* () = rounds pool 5 in
        collects);
    law "shutdown_races_with_submissions" (fun () ->
        let rec round n =
          if n = 0 then Lwt.return_unit
          else
            let pool = Pool.create ~domains:2 in
            let jobs = List.init 50 (fun i -> reason (Pool.detach pool (fun i -> Pool.await (does Yields i)) i)) in
            let* () = if n land 1 = 0 then Lwt.pause () else Lwt.return_unit in
            let* () = Pool.shutdown ~cancel:true pool in
            let* endings = Lwt.all jobs in
            let expected text = text = "a value" || text = Printexc.to_string Lwt.Canceled in
            check_bool (String.concat "; " endings) true (List.for_all expected endings);
            round (n - 1)
        in
        round 30);
  ]

(* Lwt's keys are for the thread that runs Lwt: a job does not ask, but what it has done at home sees those of its call. *)
module Keys = struct
  let keep = Rust_half.Keys.keys_keep
  let let_go = Rust_half.Keys.keys_let_go
  let of_kept = Rust_half.Keys.keys_of_kept

  let user : string Lwt.key = Lwt.new_key ()
  let name () = Option.value (Lwt.get user) ~default:"nobody"

  let whoami =
    { Rust_half.promise = (fun () -> Lwt.return (name ())); value = name; stream = (fun () -> Lwt_stream.of_list []) }
end

let keys =
  let of_job (name, job) =
    law_of_pool (name ^ "_sees_the_keys_of_its_call_at_home") (fun pool ->
        now (Keys.keep Keys.whoami);
        let check user =
          let bound = if user = "nobody" then None else Some user in
          Lwt.with_value Keys.user bound (fun () ->
              let ask (way, waits) =
                let+ seen = job pool (fun () -> Pool.await (Keys.of_kept way Domain waits)) in
                check_string "who I am" user seen;
                check_string "who I am behind it" user (Keys.name ())
              in
              let ways : (Rust_half.way * bool) list = [ (Promise, false); (Promise, true); (Value, false); (Value, true) ] in
              Lwt.join (List.map ask ways))
        in
        let* () = Lwt.join (List.init 10 (fun i -> check (List.nth [ "alice"; "bob"; "nobody" ] (i mod 3)))) in
        Keys.let_go ())
  in
  List.map of_job
    [ ("job", fun pool f -> Pool.detach pool f ()); ("call_from_rust", fun pool f -> pass pool f ()) ]

let () =
  Alcotest.run "domains"
    [
      ("detached", detached); ("cancelled", cancelled); ("awaited", awaited); ("called from Rust", called_from_rust);
      ("ends", ends); ("objects", objects); ("counters", counters); ("races", races); ("keys", keys);
    ]
[@@ocamlformat "disable"]
