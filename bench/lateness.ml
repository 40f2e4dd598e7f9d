(* How long one waits beside tasks that never do: by how much a timer of a millisecond is late, and what a call takes. *)

open Lwt.Syntax
open Rust_half.Fairness

type t = {
  name : string;
  what : string;
  bound : float option;  (** nanoseconds, for the 99th percentile *)
  run : float -> float list Lwt.t;  (** for so many seconds; nanoseconds, one for each time it waited *)
}

type result = { waited_for : t; times : float list }

external stop_endless : unit -> unit = "bench_stop_endless"

let millisecond = 1e6

let lwt_timer seconds =
  let until = Case.now () + int_of_float (seconds *. 1e9) in
  let rec loop late =
    let beginning = Case.now () in
    let* () = Lwt_unix.sleep 0.001 in
    let ended = Case.now () in
    let late = (float (ended - beginning) -. millisecond) :: late in
    if ended < until then loop late else Lwt.return late
  in
  loop []

(* A timer of Tokio's takes up to two milliseconds by itself: it counts whole ones. *)
let rust_timer timer seconds =
  let+ late = timer 1 (max 1 (int_of_float (seconds *. 500.))) in
  List.map float (Array.to_list late)

let beside_rust tasks f seconds =
  let tasks = bench_endless tasks in
  let* late = f seconds in
  stop_endless ();
  let+ () = tasks in
  late

let beside_lwt tasks f seconds =
  let stop = ref false in
  let rec task () = if !stop then Lwt.return_unit else Lwt.bind (Lwt.pause ()) task in
  let tasks = List.init tasks (fun _ -> task ()) in
  let* late = f seconds in
  stop := true;
  let+ () = Lwt.join tasks in
  late

(* At least a hundred times, however long that takes. *)
let latencies f seconds =
  let until = Case.now () + int_of_float (seconds *. 1e9) in
  let rec loop count times =
    if count >= 100 && Case.now () >= until then Lwt.return times
    else
      let beginning = Case.now () in
      let* () = f () in
      loop (count + 1) (float (Case.now () - beginning) :: times)
  in
  loop 0 []

(* A run of Rust's, so many times as OCaml's would come to about. *)
let latencies_of_rust f seconds =
  let+ times = f (max 100 (int_of_float (seconds *. 10_000.))) in
  List.map float (Array.to_list times)

let calls =
  let call name what run = { name; what; bound = None; run } in
  [
    call "latency/func-tokio" "#[func(tokio)], beside nothing" (latencies Rust_half.On_tokio.bench_on_workers);
    call "latency/func-tokio-10k" "#[func(tokio)], beside 10,000 Rust tasks that yield"
      (beside_rust 10_000 (latencies Rust_half.On_tokio.bench_on_workers));
    call "latency/spawn" "tokio::spawn in a #[func], beside nothing" (latencies_of_rust bench_spawn_latencies);
    call "latency/spawn-10k" "tokio::spawn in a #[func], beside 10,000 Rust tasks that yield"
      (beside_rust 10_000 (latencies_of_rust bench_spawn_latencies));
    call "latency/yield-10k" "yields once, beside 10,000 Rust tasks that yield" (beside_rust 10_000 (latencies Rust_half.Calls.bench_yield));
  ]

let timers =
  let timer ?bound name what run = { name; what; bound; run } in
  let bound = 2. *. millisecond in
  [
    timer "late/lwt" "Lwt's timer, beside nothing" lwt_timer;
    timer "late/lwt-pause-1" "Lwt's, beside a loop of Lwt.pause" (beside_lwt 1 lwt_timer);
    timer "late/lwt-pause-10k" "Lwt's, beside 10,000 loops of Lwt.pause" (beside_lwt 10_000 lwt_timer);
    timer "late/lwt-rust-1" "Lwt's, beside 1 Rust task that yields" ~bound (beside_rust 1 lwt_timer);
    timer "late/lwt-rust-100" "Lwt's, beside 100 Rust tasks that yield" ~bound (beside_rust 100 lwt_timer);
    timer "late/lwt-rust-10k" "Lwt's, beside 10,000 Rust tasks that yield" ~bound (beside_rust 10_000 lwt_timer);
    timer "late/worker" "Tokio's timer on a worker, beside nothing" (rust_timer bench_timer_alone);
    timer "late/rust" "Tokio's in a #[func], beside nothing" (rust_timer bench_timer);
    timer "late/rust-pause-1" "Tokio's in a #[func], beside a loop of Lwt.pause" ~bound
      (beside_lwt 1 (rust_timer bench_timer));
    timer "late/rust-rust-10k" "Tokio's in a #[func], beside 10,000 Rust tasks that yield"
      (beside_rust 10_000 (rust_timer bench_timer));
  ]
