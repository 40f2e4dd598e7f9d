(* What the bridge is compared with: OCaml and Lwt without Rust, and Rust without OCaml. *)

open Case

external c_noop : unit -> unit = "bench_c_noop"
external block_on_ready : int -> int = "bench_alone_block_on_ready"
external block_on_yield : int -> int = "bench_alone_block_on_yield"
external executor_ready : int -> int -> int = "bench_alone_executor_ready"
external executor_yield : int -> int -> int = "bench_alone_executor_yield"
external local_set_ready : int -> int -> int = "bench_alone_local_set_ready"
external local_set_yield : int -> int -> int = "bench_alone_local_set_yield"
external spawn : int -> int -> int = "bench_alone_spawn"
external thread : int -> int -> int = "bench_alone_thread"
external task_spawn : int -> int -> int = "bench_alone_task_spawn"
external task_thread : int -> int -> int = "bench_alone_task_thread"
external home : int -> int -> int = "bench_alone_home"

let cancelled () =
  let promise, _ = Lwt.task () in
  Lwt.on_cancel promise ignore;
  Lwt.cancel promise;
  Lwt.catch (fun () -> promise) (fun _ -> Lwt.return_unit)

let ocaml =
  [
    case "ocaml/c-noop" "a C function that does nothing" (in_a_loop c_noop);
    case "ocaml/bind" "Lwt.return and bind" (in_a_row Lwt.return);
    case "ocaml/bind-10k" "Lwt.return and bind, 10,000 at a time" ~size:10_000 (together 10_000 Lwt.return);
    case "ocaml/pause" "Lwt.pause, one after the other" (in_a_row Lwt.pause);
    case "ocaml/pause-10k" "Lwt.pause and bind, 10,000 at a time" ~size:10_000 (together 10_000 Lwt.pause);
    case "ocaml/catch" "Lwt.fail and catch"
      (in_a_row (fun () -> Lwt.catch (fun () -> Lwt.fail Exit) (fun _ -> Lwt.return_unit)));
    case "ocaml/cancelled" "Lwt.task, on_cancel, cancel and catch" (in_a_row cancelled);
    case "ocaml/detach" "Lwt_preemptive.detach" (in_a_row (Lwt_preemptive.detach ignore));
    case "ocaml/detach-10k" "Lwt_preemptive.detach, 10,000 at a time" ~size:10_000
      (together 10_000 (Lwt_preemptive.detach ignore));
  ]

(* One after the other, and 10,000 at a time. *)
let both name what f =
  [
    case name (what ^ ", one after the other") (timed_by_rust (fun steps -> f steps 1));
    case (name ^ "-10k") (what ^ ", 10,000 at a time") ~size:10_000 (timed_by_rust (fun steps -> f steps 10_000));
  ]

let rust =
  [
    case "rust/block-on-ready" "block_on: awaits a ready future" (timed_by_rust block_on_ready);
    case "rust/block-on-yield" "block_on: yields" (timed_by_rust block_on_yield);
  ]
  @ List.concat
      [
        both "rust/executor-ready" "async-executor: a ready task" executor_ready;
        both "rust/executor-yield" "async-executor: a task that yields" executor_yield;
        both "rust/local-set-ready" "Tokio's LocalSet: a ready task" local_set_ready;
        both "rust/local-set-yield" "Tokio's LocalSet: a task that yields" local_set_yield;
        both "rust/spawn" "tokio::spawn" spawn;
        both "rust/thread" "a plain thread wakes a task" thread;
        both "rust/task-spawn" "tasks of async-executor that await tokio::spawn" task_spawn;
        both "rust/task-thread" "tasks of async-executor that a plain thread wakes" task_thread;
        both "rust/home" "a Tokio worker spawns on async-executor here" home;
      ]

let all = ocaml @ rust
