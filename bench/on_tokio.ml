(* Functions that run elsewhere: Rust's on Tokio's threads for OCaml, and OCaml's on blocking threads; and at home, for others. *)

open Case

external on_workers : unit -> unit Lwt.t = "bench__bench_on_workers"
external blocking : unit -> unit Lwt.t = "bench__bench_blocking"
external call_async : (unit -> unit) -> int -> unit Lwt.t = "bench__bench_call_async"
external calls_async : (unit -> unit) -> int -> int -> unit Lwt.t = "bench__bench_calls_async"
external callback : (unit -> unit Lwt.t) -> int -> unit Lwt.t = "bench__bench_callback_from_worker"
external callbacks : (unit -> unit Lwt.t) -> int -> int -> unit Lwt.t = "bench__bench_callbacks_from_worker"
external resolvers : int -> int -> unit Lwt.t = "bench__bench_resolvers_on_worker"
external run_blocking : int -> unit Lwt.t = "bench__bench_run_blocking"
external blocking_call : (unit -> unit) -> int -> unit Lwt.t = "bench__bench_blocking_call"
external blocking_calls : (unit -> unit) -> int -> int -> unit Lwt.t = "bench__bench_blocking_calls"

let all =
  [
    case "thread/call-async" "OCamlFunc::call_async from a Tokio worker, one after the other"
      ~baseline:"thread/handle-call"
      (repeated_by_rust (call_async ignore));
    case "thread/call-async-10k" "OCamlFunc::call_async from a Tokio worker, 10,000 at a time" ~size:10_000
      ~baseline:"thread/handle-call-10k"
      (repeated_by_rust (fun steps -> calls_async ignore steps 10_000));
    case "thread/callback" "OCamlAsyncFunc::call from a Tokio worker, one after the other" ~baseline:"thread/handle-call"
      (repeated_by_rust (callback Lwt.return));
    case "thread/callback-10k" "OCamlAsyncFunc::call from a Tokio worker, 10,000 at a time" ~size:10_000
      ~baseline:"thread/handle-call-10k"
      (repeated_by_rust (fun steps -> callbacks Lwt.return steps 10_000));
    case "thread/callback-pause-10k" "the same, returns Lwt.pause" ~size:10_000 ~baseline:"ocaml/pause-10k"
      (repeated_by_rust (fun steps -> callbacks Lwt.pause steps 10_000));
    case "thread/resolver-10k" "a Tokio worker settles and awaits 10,000 promises at a time" ~size:10_000
      ~baseline:"thread/handle-call-10k"
      (repeated_by_rust (fun steps -> resolvers steps 10_000));
    case "thread/run-blocking" "run_in_ocaml_domain on a plain thread" ~baseline:"ocaml/detach"
      (repeated_by_rust run_blocking);
    case "thread/guest" "run_blocking_in_ocaml from a Tokio worker" ~baseline:"ocaml/detach"
      (repeated_by_rust (blocking_call ignore));
    case "thread/guest-10k" "run_blocking_in_ocaml from a Tokio worker, 10,000 at a time" ~size:10_000
      ~baseline:"ocaml/detach-10k"
      (repeated_by_rust (fun steps -> blocking_calls ignore steps 10_000));
    case "thread/func-tokio" "#[func(tokio)], one after the other" ~baseline:"ocaml/detach" (in_a_row on_workers);
    case "thread/func-tokio-10k" "#[func(tokio)], 10,000 at a time" ~size:10_000 ~baseline:"ocaml/detach-10k"
      (together 10_000 on_workers);
    case "thread/func-blocking" "#[func(blocking)], one after the other" ~baseline:"ocaml/detach" (in_a_row blocking);
    case "thread/func-blocking-10k" "#[func(blocking)], 10,000 at a time" ~size:10_000 ~baseline:"ocaml/detach-10k"
      (together 10_000 blocking);
  ]
