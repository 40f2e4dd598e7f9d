(* The Rust functions of test/src/process. *)

let ready = Rust_half.Process.Basic.process_ready
let yield = Rust_half.Process.Basic.process_yield
let after = Rust_half.Process.Basic.process_after
let tokio = Rust_half.Process.Basic.process_tokio
let never = Rust_half.Process.Basic.process_never
let await = Rust_half.Process.Basic.process_await
let call = Rust_half.Process.Basic.process_call
let call_now = Rust_half.Process.Basic.process_call_now
let call_later = Rust_half.Process.Basic.process_call_later

let sum = Rust_half.Process.Basic.process_sum

let panic = Rust_half.Process.Basic.process_panic
let blocks_on = Rust_half.Process.Waits.process_blocks_on
let panics_at_once = Rust_half.Process.Panics.process_panics_at_once
let panic_detached = Rust_half.Process.Basic.process_panic_detached

(* Work in flight. *)
let tokio_never = Rust_half.Process.Lifetime.process_tokio_never
let tokio_busy = Rust_half.Process.Lifetime.process_tokio_busy
let blocking = Rust_half.Process.Lifetime.process_blocking
let tokio_awaits = Rust_half.Process.Lifetime.process_tokio_awaits
let tokio_resolves = Rust_half.Process.Lifetime.process_tokio_resolves
let worker_runs_at_home = Rust_half.Process.Lifetime.process_worker_runs_at_home

let thread_runs_at_home = Rust_half.Process.Lifetime.process_thread_runs_at_home

let thread_never_stops = Rust_half.Process.Lifetime.process_thread_never_stops
let interrupts_when_dropped = Rust_half.Process.Lifetime.process_interrupts_when_dropped

let detached_interrupts_when_dropped = Rust_half.Process.Lifetime.process_detached_interrupts_when_dropped

let thread_awaits_home = Rust_half.Process.Lifetime.process_thread_awaits_home
let thread_awaits = Rust_half.Process.Lifetime.process_thread_awaits
let polls_in_child = Rust_half.Process.Lifetime.process_polls_in_child
let tokio_joins = Rust_half.Process.Wakes.process_tokio_joins
let home_calls_for_ever = Rust_half.Process.Lifetime.process_home_calls_for_ever
let interrupts_when_it_fails = Rust_half.Process.Lifetime.process_interrupts_when_it_fails
let interrupts_when_it_gives_up = Rust_half.Process.Lifetime.process_interrupts_when_it_gives_up
let interrupts = Rust_half.Process.Lifetime.process_interrupts
let interrupts_and_gives = Rust_half.Process.Signals.process_interrupts_and_gives
let interrupts_and_streams = Rust_half.Process.Signals.process_interrupts_and_streams
let interrupts_and_makes = Rust_half.Process.Signals.process_interrupts_and_makes
let interrupts_and_awaits = Rust_half.Process.Signals.process_interrupts_and_awaits
let computes = Rust_half.Process.Signals.process_computes
external exit_of_rust : int -> unit = "process_exit_of_rust"
let locks_standard_output = Rust_half.Process.Signals.process_locks_standard_output
external print : string -> unit = "process_print"
let spawn_when_dropped = Rust_half.Process.Lifetime.process_spawn_when_dropped

let stream = Rust_half.Process.Streams.process_stream
let numbers = Rust_half.Streams.streams_numbers
let numbers_one_by_one = Rust_half.Readers.readers_fragile
let error_and_bomb = Rust_half.Readers.readers_error_and_bomb
let read_in = Rust_half.Streams.streams_read
let blocks_on_promise = Rust_half.Process.Lifetime.process_blocks_on_promise
let reads_stream = Rust_half.Process.Streams.process_reads_stream

(* Threads that need home. *)
let home_call = Rust_half.Process.Threads.process_home_call
let home_call_of = Rust_half.Process.Threads.process_home_call_of
let blocking_home_call = Rust_half.Process.Threads.process_blocking_home_call
let blocking_pool_home_call = Rust_half.Process.Threads.process_blocking_pool_home_call
let thread_home_call = Rust_half.Process.Threads.process_thread_home_call
let closures = Rust_half.Process.Threads.process_closures
let runs_at_home_from_home = Rust_half.Process.Threads.process_runs_at_home_from_home
let home_call_panics = Rust_half.Process.Threads.process_home_call_panics
let home_call_nested = Rust_half.Process.Threads.process_home_call_nested
let off_home_panics = Rust_half.Process.Threads.process_off_home_panics
external plain_add : int -> int -> int = "process_plain_add"

(* Tokio's runtime. *)
let workers = Rust_half.Process.Pool.process_workers
let worker_name = Rust_half.Process.Pool.process_worker_name
let one_runtime = Rust_half.Process.Pool.process_one_runtime
external bring_runtime : string -> string = "process_bring_runtime"
external end_runtime : unit -> unit = "process_end_runtime"
external configure : int -> int -> string = "process_configure"
external name_threads : string -> string = "process_name_threads"
external configure_wrongly : int -> string = "process_configure_wrongly"
let stack_size = Rust_half.Process.Pool.process_stack_size
let threads = Rust_half.Process.Pool.process_threads

external limit_memory : int -> unit = "process_limit_memory"
external unlimit_memory : unit -> unit = "process_unlimit_memory"
external names_that : string -> string = "process_names_that"
external unseen_signal : unit -> unit = "process_unseen_signal"
let guard_in_a_thread = Rust_half.Process.Pool.process_guard_in_a_thread

(* Children of the process. *)
let child = Rust_half.Process.Children.process_child
let child_of_tokio = Rust_half.Process.Children.process_child_of_tokio
let child_of_blocking = Rust_half.Process.Children.process_child_of_blocking
let child_by_tokio = Rust_half.Process.Children.process_child_by_tokio
let system = Rust_half.Process.Children.process_system
let exec = Rust_half.Process.Children.process_exec
let children = Rust_half.Process.Children.process_children
external deny_pidfd : unit -> int = "process_deny_pidfd"
external eventfds_of_process : unit -> string = "process_eventfds"

let eventfds () = String.split_on_char '\n' (eventfds_of_process ())

(* Bodies on Tokio's threads. *)
let on_workers = Rust_half.Process.On_tokio.process_on_workers
let on_blocking_pool = Rust_half.Process.On_tokio.process_on_blocking_pool
let began = Rust_half.Process.On_tokio.process_began
let never_on_workers = Rust_half.Process.On_tokio.process_never_on_workers
let noisy_on_workers = Rust_half.Process.On_tokio.process_noisy_on_workers
let blocks = Rust_half.Process.On_tokio.process_blocks
let blocks_until_released = Rust_half.Process.On_tokio.process_blocks_until_released
let release = Rust_half.Process.On_tokio.process_release

(* OCaml functions that block; and those that are called at home for other threads. *)
let blocking_call = Rust_half.Process.Blocking_threads.process_blocking_call
let blocking_call_of_worker = Rust_half.Process.Blocking_threads.process_blocking_call_of_worker
let call_async = Rust_half.Process.Blocking_threads.process_call_async

let thread_awaits_call = Rust_half.Process.Blocking_threads.process_thread_awaits_call

let waits_for_tokio = Rust_half.Process.Blocking_threads.process_waits_for_tokio

(* Waits for home, on threads for which it may not come. *)
let keep_handle = Rust_half.Process.Waits.process_keep_handle
external waits : int -> string = "process_waits"
let waits_in_func = Rust_half.Process.Waits.process_waits_in_func
external waits_released : int -> string = "process_waits_released"
let keep_promise = Rust_half.Process.Waits.process_keep_promise
external thread_waits_in_every_way : int -> string = "process_thread_waits_in_every_way"
let calls_when_dropped = Rust_half.Process.Waits.process_calls_when_dropped

(* Wakes. *)
type held

let polled_by_wake = Rust_half.Process.Wakes.process_polled_by_wake
let panicking_waker = Rust_half.Process.Wakes.process_panicking_waker
let panicking_join_waker = Rust_half.Process.Wakes.process_panicking_join_waker
let lock = Rust_half.Process.Wakes.process_lock

let wakes_under_lock = Rust_half.Process.Wakes.process_wakes_under_lock

external wakes_when_collected :
  int Lwt.t -> (held -> int Lwt.t -> int Lwt.t -> unit) -> unit Lwt.t
  = "interop_tests__process_wakes_when_collected"

let kept_resolver = Rust_half.Process.Wakes.process_kept_resolver
let collects_in = Rust_half.Process.Wakes.process_collects
let woken_by_thread = Rust_half.Process.Wakes.process_woken_by_thread
let keeps_its_waker = Rust_half.Process.Wakes.process_keeps_its_waker
let threads_wake = Rust_half.Process.Wakes.process_threads_wake
external wakes : unit -> unit = "process_wakes"

(* Panics. *)
external set_panic_hook : unit -> unit = "process_set_panic_hook"
let tokio_panic = Rust_half.Process.Panics.process_tokio_panic
let panic_when_dropped = Rust_half.Process.Panics.process_panic_when_dropped
let detached_panic_when_dropped = Rust_half.Process.Panics.process_detached_panic_when_dropped
let panic_any = Rust_half.Process.Panics.process_panic_any
let signal_from_worker = Rust_half.Process.Panics.process_signal_from_worker
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

(* What [f] does beside threads that collect. *)
let beside_collecting_threads count f =
  let stop = ref false in
  let collect () =
    while not !stop do
      Gc.full_major ();
      Thread.yield ()
    done
  in
  let threads = List.init count (fun _ -> Thread.create collect ()) in
  f ();
  stop := true;
  List.iter Thread.join threads

(* Forks a hundred times, each time beside a promise that [begins] gives, which is broken in the child; the parent goes on with
   [ends]. Gives how many children ended well. *)
let fork_a_hundred_times ?(ends = ignore) fork begins =
  let ended = ref 0 in
  for _ = 1 to 100 do
    let pending = begins () in
    match fork () with
    | 0 ->
        (match Lwt_main.run pending with
        | _ -> Unix._exit 1
        | exception Rust_async.Broken_promise -> ());
        Gc.full_major ();
        exit 0
    | child -> (
        ends pending;
        match Unix.waitpid [] child with _, WEXITED 0 -> incr ended | _ -> ())
  done;
  !ended

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
let hears_sigusr1 = Rust_half.Process.Signals.process_hears_sigusr1
