(* OCaml 5: the ends of pools of worker domains, what is left there, everything at once, and Lwt's keys. *)

open Lwt.Syntax
open Law
open Probe
open Domain_law

let count = Rust_half.Domains.domains_count
let calls_back = Rust_half.Domains.domains_calls_back
let awaits = Rust_half.Domains.domains_awaits
let numbers = Rust_half.Streams.streams_numbers
let handle = Rust_half.Domains.domains_handle
let leaves_a_task = Rust_half.Domains.domains_leaves_a_task
let sum_in = Rust_half.Streams.streams_sum

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

let () = Alcotest.run "pools" [ ("ends", ends); ("counters", counters); ("races", races); ("keys", keys) ]
