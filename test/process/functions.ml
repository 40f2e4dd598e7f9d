(* The Rust functions of test/src/process. *)

external ready : int -> int Lwt.t = "interop_tests__process_ready"
external yield : int -> int Lwt.t = "interop_tests__process_yield"
external after : int -> int -> int Lwt.t = "interop_tests__process_after"
external tokio : int -> int Lwt.t = "interop_tests__process_tokio"
external never : string -> unit Lwt.t = "interop_tests__process_never"
external await : int Lwt.t -> int Lwt.t = "interop_tests__process_await"
external call : (int -> int Lwt.t) -> int -> int Lwt.t = "interop_tests__process_call"
external call_now : (int -> int) -> int -> int Lwt.t = "interop_tests__process_call_now"
external call_later : (int -> int) -> int -> int Lwt.t = "interop_tests__process_call_later"

external sum : int -> int -> int -> int -> int -> int -> int Lwt.t
  = "interop_tests__process_sum_bytecode" "interop_tests__process_sum"

external panic : string -> unit Lwt.t = "interop_tests__process_panic"
external blocks_on : int Lwt.t -> int Lwt.t = "interop_tests__process_blocks_on"
external panics_at_once : string -> unit Lwt.t = "interop_tests__process_panics_at_once"
external panic_detached : string -> unit Lwt.t = "interop_tests__process_panic_detached"

(* Work in flight. *)
external tokio_never : string -> unit Lwt.t = "interop_tests__process_tokio_never"
external tokio_busy : unit -> unit Lwt.t = "interop_tests__process_tokio_busy"
external blocking : float -> unit Lwt.t = "interop_tests__process_blocking"
external tokio_awaits : string -> int Lwt.t -> unit Lwt.t = "interop_tests__process_tokio_awaits"
external tokio_resolves : int -> int -> int Lwt.t Lwt.t = "interop_tests__process_tokio_resolves"
external worker_runs_at_home : string -> (unit -> int) -> unit Lwt.t = "interop_tests__process_worker_runs_at_home"

external thread_runs_at_home : string -> float -> (unit -> int) -> unit Lwt.t
  = "interop_tests__process_thread_runs_at_home"

external thread_never_stops : unit -> unit Lwt.t = "interop_tests__process_thread_never_stops"
external interrupts_when_dropped : unit -> unit Lwt.t = "interop_tests__process_interrupts_when_dropped"

external detached_interrupts_when_dropped : unit -> unit Lwt.t
  = "interop_tests__process_detached_interrupts_when_dropped"

external thread_awaits_home : string -> float -> unit Lwt.t = "interop_tests__process_thread_awaits_home"
external thread_awaits : string -> int Lwt.t -> unit Lwt.t = "interop_tests__process_thread_awaits"
external polls_in_child : string -> unit Lwt.t = "interop_tests__process_polls_in_child"
external home_calls_for_ever : int Lwt.t -> unit Lwt.t = "interop_tests__process_home_calls_for_ever"
external interrupts_when_it_fails : unit -> unit Lwt.t = "interop_tests__process_interrupts_when_it_fails"
external interrupts_when_it_gives_up : int Lwt.t -> unit Lwt.t = "interop_tests__process_interrupts_when_it_gives_up"
external interrupts : unit -> unit Lwt.t = "interop_tests__process_interrupts"
external interrupts_and_gives : int -> int Lwt.t = "interop_tests__process_interrupts_and_gives"
external interrupts_and_streams : unit -> int Lwt_stream.t = "interop_tests__process_interrupts_and_streams"
external interrupts_and_makes : unit -> int Lwt.t array Lwt.t = "interop_tests__process_interrupts_and_makes"
external interrupts_and_awaits : int Lwt.t -> int Lwt.t = "interop_tests__process_interrupts_and_awaits"
external computes : int -> int Lwt.t = "interop_tests__process_computes"
external exit_of_rust : int -> unit = "process_exit_of_rust"
external locks_standard_output : unit -> unit Lwt.t = "interop_tests__process_locks_standard_output"
external print : string -> unit = "process_print"
external spawn_when_dropped : string -> unit Lwt.t = "interop_tests__process_spawn_when_dropped"

external stream : string -> int -> int Lwt_stream.t = "interop_tests__process_stream"
external numbers : int -> int Lwt_stream.t = "interop_tests__streams_numbers"
external numbers_one_by_one : int -> int -> int -> int -> bool -> int Lwt_stream.t Lwt.t = "interop_tests__readers_fragile"
external error_and_bomb : unit -> int Lwt_stream.t = "interop_tests__readers_error_and_bomb"
external read_in : int -> int Lwt_stream.t -> int -> (int array * string) Lwt.t = "interop_tests__streams_read"
external blocks_on_promise : string -> int Lwt.t -> unit Lwt.t = "interop_tests__process_blocks_on_promise"
external reads_stream : string -> int Lwt_stream.t -> unit Lwt.t = "interop_tests__process_reads_stream"

(* Threads that need home. *)
external home_call : int -> int Lwt.t = "interop_tests__process_home_call"
external home_call_of : (int -> int) -> int -> int Lwt.t = "interop_tests__process_home_call_of"
external blocking_home_call : int -> int Lwt.t = "interop_tests__process_blocking_home_call"
external blocking_pool_home_call : int -> int Lwt.t = "interop_tests__process_blocking_pool_home_call"
external thread_home_call : int -> int Lwt.t = "interop_tests__process_thread_home_call"
external closures : int -> int Lwt.t = "interop_tests__process_closures"
external runs_at_home_from_home : unit -> int Lwt.t = "interop_tests__process_runs_at_home_from_home"
external home_call_panics : string -> int Lwt.t = "interop_tests__process_home_call_panics"
external home_call_nested : unit -> int Lwt.t = "interop_tests__process_home_call_nested"
external off_home_panics : unit -> string Lwt.t = "interop_tests__process_off_home_panics"
external plain_add : int -> int -> int = "process_plain_add"

(* Tokio's runtime. *)
external workers : unit -> int Lwt.t = "interop_tests__process_workers"
external worker_name : unit -> string Lwt.t = "interop_tests__process_worker_name"
external one_runtime : unit -> bool Lwt.t = "interop_tests__process_one_runtime"
external bring_runtime : string -> string = "process_bring_runtime"
external end_runtime : unit -> unit = "process_end_runtime"
external configure : int -> int -> string = "process_configure"
external name_threads : string -> string = "process_name_threads"
external configure_wrongly : int -> string = "process_configure_wrongly"
external stack_size : unit -> int Lwt.t = "interop_tests__process_stack_size"
external threads : unit -> int Lwt.t = "interop_tests__process_threads"

external limit_memory : int -> unit = "process_limit_memory"
external unlimit_memory : unit -> unit = "process_unlimit_memory"
external names_that : string -> string = "process_names_that"
external unseen_signal : unit -> unit = "process_unseen_signal"
external guard_in_a_thread : bool -> int Lwt.t = "interop_tests__process_guard_in_a_thread"

(* Children of the process. *)
external child : string -> string -> string Lwt.t = "interop_tests__process_child"
external child_of_tokio : string -> string Lwt.t = "interop_tests__process_child_of_tokio"
external child_of_blocking : string -> string Lwt.t = "interop_tests__process_child_of_blocking"
external child_by_tokio : bool -> string Lwt.t = "interop_tests__process_child_by_tokio"
external system : string -> int Lwt.t = "interop_tests__process_system"
external exec : string -> string -> string -> unit Lwt.t = "interop_tests__process_exec"
external children : int -> int Lwt.t = "interop_tests__process_children"
external deny_pidfd : unit -> int = "process_deny_pidfd"
external eventfds_of_process : unit -> string = "process_eventfds"

let eventfds () = String.split_on_char '\n' (eventfds_of_process ())

(* Bodies on Tokio's threads. *)
external on_workers : int -> int Lwt.t = "interop_tests__process_on_workers"
external on_blocking_pool : int -> int Lwt.t = "interop_tests__process_on_blocking_pool"
external began : unit -> int Lwt.t = "interop_tests__process_began"
external never_on_workers : unit -> unit Lwt.t = "interop_tests__process_never_on_workers"
external noisy_on_workers : string -> unit Lwt.t = "interop_tests__process_noisy_on_workers"
external blocks : string -> float -> unit Lwt.t = "interop_tests__process_blocks"
external blocks_until_released : string -> unit Lwt.t = "interop_tests__process_blocks_until_released"
external release : unit -> unit Lwt.t = "interop_tests__process_release"

(* OCaml functions that block; and those that are called at home for other threads. *)
external blocking_call : (int -> int) -> int -> int Lwt.t = "interop_tests__process_blocking_call"
external blocking_call_of_worker : (int -> int) -> int -> int Lwt.t = "interop_tests__process_blocking_call_of_worker"
external call_async : (int -> int) -> int -> int Lwt.t = "interop_tests__process_call_async"

external thread_awaits_call : string -> float -> bool -> (int -> int) -> unit Lwt.t
  = "interop_tests__process_thread_awaits_call"

external waits_for_tokio : int -> int Lwt.t = "interop_tests__process_waits_for_tokio"

(* Waits for home, on threads for which it may not come. *)
external keep_handle : unit -> int Lwt.t = "interop_tests__process_keep_handle"
external waits : int -> string = "process_waits"
external waits_in_func : int -> string Lwt.t = "interop_tests__process_waits_in_func"
external waits_released : int -> string = "process_waits_released"
external keep_promise : int Lwt.t -> unit Lwt.t = "interop_tests__process_keep_promise"
external thread_waits_in_every_way : int -> string = "process_thread_waits_in_every_way"
external calls_when_dropped : (unit -> unit) -> unit Lwt.t = "interop_tests__process_calls_when_dropped"

(* Wakes. *)
type held

external polled_by_wake : int Lwt.t -> int Lwt.t -> unit Lwt.t = "interop_tests__process_polled_by_wake"
external panicking_waker : int Lwt.t -> unit Lwt.t = "interop_tests__process_panicking_waker"
external panicking_join_waker : unit -> unit Lwt.t = "interop_tests__process_panicking_join_waker"
external lock : int -> int Lwt.t = "interop_tests__process_lock"

external wakes_under_lock : (int Lwt.t -> unit) -> int Lwt.t -> unit Lwt.t
  = "interop_tests__process_wakes_under_lock"

external wakes_when_collected :
  int Lwt.t -> (held -> int Lwt.t -> int Lwt.t -> unit) -> unit Lwt.t
  = "interop_tests__process_wakes_when_collected"

external kept_resolver : unit -> int Lwt.t Lwt.t = "interop_tests__process_kept_resolver"
external collects_in : (int -> int) -> int Lwt.t = "interop_tests__process_collects"
external woken_by_thread : int -> int Lwt.t = "interop_tests__process_woken_by_thread"
external keeps_its_waker : unit -> unit Lwt.t = "interop_tests__process_keeps_its_waker"
external threads_wake : int -> unit Lwt.t = "interop_tests__process_threads_wake"
external wakes : unit -> unit = "process_wakes"

(* Panics. *)
external set_panic_hook : unit -> unit = "process_set_panic_hook"
external tokio_panic : string -> unit Lwt.t = "interop_tests__process_tokio_panic"
external panic_when_dropped : string -> unit Lwt.t = "interop_tests__process_panic_when_dropped"
external detached_panic_when_dropped : string -> unit Lwt.t = "interop_tests__process_detached_panic_when_dropped"
external panic_any : unit -> unit Lwt.t = "interop_tests__process_panic_any"
external signal_from_worker : int -> unit Lwt.t = "interop_tests__process_signal_from_worker"
external signal_here : int -> unit = "process_signal_here"

(* What the tests share. *)

let check = Case.check
let say = Case.say

(* [f ()] must raise [Rust_async.Misuse] with a text that contains [what]. *)
let misuse ~what f =
  match f () with
  | _ -> check (what ^ ": a call was not refused") false
  | exception Rust_async.Misuse message ->
      check (Printf.sprintf "%S names %S" message what) (Case.contains message ~part:what)

open Lwt.Syntax

(* How a promise ends. *)
let say_ending name promise =
  let+ ending = Lwt.catch (fun () -> Lwt.map string_of_int promise) (fun exn -> Lwt.return (Printexc.to_string exn)) in
  say "%s: %s" name ending

let broken = "Rust_async.Broken_promise"
let as_int promise = Lwt.map (fun () -> 0) promise

(* Every way of Rust's to go on, one after the other. *)
let all_ways () =
  let* a = ready 1 in
  let* b = yield 2 in
  let* c = after 2 3 in
  let* d = tokio 4 in
  let* e = await (Lwt.map (fun () -> 5) (Lwt_unix.sleep 0.002)) in
  let* f = call (fun n -> Lwt.map (fun () -> n) (Lwt.pause ())) 6 in
  let* g = home_call 7 in
  let* h = blocking_home_call 8 in
  let* i = thread_home_call 9 in
  let* j = on_workers 10 in
  let+ k = on_blocking_pool 11 in
  say "Rust works: %d" (a + b + c + d + e + f + g + h + i + j + k)

let works = "Rust works: 66"

(* Until so many bodies on Tokio's threads have begun. *)
let rec until_began n =
  let* now = began () in
  if now >= n then Lwt.return_unit else Lwt.bind (Lwt_unix.sleep 0.001) (fun () -> until_began n)

(* A loop of the program's own, which runs none of Lwt_main's hooks; lwt_eio's runs none either. *)
let rec hand_written promise =
  match Lwt.poll promise with
  | Some value -> value
  | None ->
      Lwt_engine.iter (Lwt.paused_count () = 0);
      Lwt.wakeup_paused ();
      hand_written promise

(* Places in which OCaml code runs because of Rust. *)
let places =
  [
    ("a_continuation_in_the_first_poll", fun f -> Lwt.map f (ready 1));
    ("a_continuation_in_a_tick", fun f -> Lwt.map f (yield 1));
    ("a_continuation_after_a_timer_of_tokio", fun f -> Lwt.map f (after 5 1));
    ("a_continuation_after_a_worker_of_tokio", fun f -> Lwt.map f (tokio 1));
    ( "a_continuation_after_a_promise_of_lwt",
      fun f -> Lwt.map f (await (Lwt.map (fun () -> 1) (Lwt_unix.sleep 0.002))) );
    ("a_function_that_the_first_poll_calls", fun f -> call_now f 1);
    ("a_function_that_a_tick_calls", fun f -> call_later f 1);
    ("a_function_that_a_worker_sends_home", fun f -> home_call_of f 1);
    ("an_asynchronous_function", fun f -> call (fun n -> Lwt.return (f n)) 1);
  ]
external hears_sigusr1 : int -> unit Lwt.t = "interop_tests__process_hears_sigusr1"
