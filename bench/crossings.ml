(* Wakes and work from other threads. *)

open Case
open Rust_half.Calls
open Rust_half.Threads

let all =
  [
    case "thread/spawn" "awaits tokio::spawn, one after the other" ~baseline:"rust/spawn" ~bound:(Times 1.1)
      (in_a_row bench_spawn);
    case "thread/spawn-10k" "awaits tokio::spawn, 10,000 at a time" ~size:10_000 ~baseline:"rust/task-spawn-10k"
      ~bound:(At_most 1_000.) (together 10_000 bench_spawn);
    case "thread/wake" "woken by a plain thread, one after the other" ~baseline:"rust/thread" (in_a_row bench_thread);
    case "thread/wake-10k" "woken by a plain thread, 10,000 at a time" ~size:10_000 ~baseline:"rust/task-thread-10k"
      (together 10_000 bench_thread);
    case "thread/handle-call" "Handle::call from a Tokio worker, one after the other" ~baseline:"rust/home"
      (repeated_by_rust bench_handle_call);
    case "thread/handle-call-10k" "Handle::call from a Tokio worker, 10,000 at a time" ~size:10_000
      ~baseline:"rust/home-10k"
      (repeated_by_rust (fun steps -> bench_handle_calls steps 10_000));
    case "thread/handle-call-joined-10k" "the same, awaited all at once" ~size:10_000 ~baseline:"rust/home-10k"
      (repeated_by_rust (fun steps -> bench_handle_calls_joined steps 10_000));
  ]
