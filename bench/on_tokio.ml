(* Functions that run elsewhere: Rust's on Tokio's threads for OCaml, and OCaml's on blocking threads; and at home, for others. *)

open Case
open Rust_half.On_tokio

let all =
  [
    case "thread/call-async" "OCamlFunc::call_async from a Tokio worker, one after the other"
      ~baseline:"thread/handle-call"
      (repeated_by_rust (bench_call_async ignore));
    case "thread/call-async-10k" "OCamlFunc::call_async from a Tokio worker, 10,000 at a time" ~size:10_000
      ~baseline:"thread/handle-call-joined-10k"
      (repeated_by_rust (fun steps -> bench_calls_async ignore steps 10_000));
    case "thread/callback" "OCamlAsyncFunc::call from a Tokio worker, one after the other" ~baseline:"thread/handle-call"
      (repeated_by_rust (bench_callback_from_worker Lwt.return));
    case "thread/callback-10k" "OCamlAsyncFunc::call from a Tokio worker, 10,000 at a time" ~size:10_000
      ~baseline:"thread/handle-call-joined-10k" ~bound:(Times 1.5)
      (repeated_by_rust (fun steps -> bench_callbacks_from_worker Lwt.return steps 10_000));
    case "thread/callback-pause-10k" "the same, returns Lwt.pause" ~size:10_000 ~baseline:"ocaml/pause-10k"
      (repeated_by_rust (fun steps -> bench_callbacks_from_worker Lwt.pause steps 10_000));
    case "thread/resolver-10k" "a Tokio worker settles and awaits 10,000 promises at a time" ~size:10_000
      ~baseline:"thread/handle-call-joined-10k"
      (repeated_by_rust (fun steps -> bench_resolvers_on_worker steps 10_000));
    case "thread/run-blocking" "run_blocking on a plain thread" ~baseline:"ocaml/detach"
      (repeated_by_rust bench_run_blocking);
    case "thread/blocking-call" "run_blocking_in_ocaml from a Tokio worker" ~baseline:"ocaml/detach"
      (repeated_by_rust (bench_blocking_call ignore));
    case "thread/blocking-call-10k" "run_blocking_in_ocaml from a Tokio worker, 10,000 at a time" ~size:10_000
      ~baseline:"ocaml/detach-10k"
      (repeated_by_rust (fun steps -> bench_blocking_calls ignore steps 10_000));
    case "thread/func-tokio" "#[func(tokio)], one after the other" ~baseline:"ocaml/detach" (in_a_row bench_on_workers);
    case "thread/func-tokio-10k" "#[func(tokio)], 10,000 at a time" ~size:10_000 ~baseline:"ocaml/detach-10k"
      (together 10_000 bench_on_workers);
    case "thread/func-blocking" "#[func(blocking)], one after the other" ~baseline:"ocaml/detach" (in_a_row bench_blocking);
    case "thread/func-blocking-10k" "#[func(blocking)], 10,000 at a time" ~size:10_000 ~baseline:"ocaml/detach-10k"
      (together 10_000 bench_blocking);
  ]
