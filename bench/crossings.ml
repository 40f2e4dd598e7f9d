(* Wakes and work from other threads. *)

open Case

external spawn : unit -> unit Lwt.t = "bench__bench_spawn"
external thread : unit -> unit Lwt.t = "bench__bench_thread"
external handle_call : int -> unit Lwt.t = "bench__bench_handle_call"
external handle_calls : int -> int -> unit Lwt.t = "bench__bench_handle_calls"

let all =
  [
    case "thread/spawn" "awaits tokio::spawn, one after the other" ~baseline:"rust/spawn" ~bound:(Times 1.1)
      (in_a_row spawn);
    case "thread/spawn-10k" "awaits tokio::spawn, 10,000 at a time" ~size:10_000 ~baseline:"rust/spawn-10k"
      ~bound:(At_most 1_000.) (together 10_000 spawn);
    case "thread/wake" "woken by a plain thread, one after the other" ~baseline:"rust/thread" (in_a_row thread);
    case "thread/wake-10k" "woken by a plain thread, 10,000 at a time" ~size:10_000 ~baseline:"rust/thread-10k"
      (together 10_000 thread);
    case "thread/handle-call" "Handle::call from a Tokio worker, one after the other" ~baseline:"rust/home"
      (repeated_by_rust handle_call);
    case "thread/handle-call-10k" "Handle::call from a Tokio worker, 10,000 at a time" ~size:10_000
      ~baseline:"rust/home-10k"
      (repeated_by_rust (fun steps -> handle_calls steps 10_000));
  ]
