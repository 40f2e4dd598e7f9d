(* By how much a timer of a millisecond is late beside tasks that never wait. *)

open Lwt.Syntax

type t = {
  name : string;
  what : string;
  bound : float option;  (** nanoseconds, for the 99th percentile *)
  run : float -> float list Lwt.t;  (** for so many seconds; nanoseconds *)
}

type result = { timer : t; late : float list }

external endless : int -> unit Lwt.t = "bench__bench_endless"
external stop_endless : unit -> unit = "bench_stop_endless"
external timer_here : int -> int -> int array Lwt.t = "bench__bench_timer"
external timer_alone : int -> int -> int array Lwt.t = "bench__bench_timer_alone"

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
  let tasks = endless tasks in
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

let all =
  let timer ?bound name what run = { name; what; bound; run } in
  let bound = 2. *. millisecond in
  [
    timer "late/lwt" "Lwt's timer, beside nothing" lwt_timer;
    timer "late/lwt-pause-1" "Lwt's, beside a loop of Lwt.pause" (beside_lwt 1 lwt_timer);
    timer "late/lwt-pause-10k" "Lwt's, beside 10,000 loops of Lwt.pause" (beside_lwt 10_000 lwt_timer);
    timer "late/lwt-rust-1" "Lwt's, beside 1 Rust task that yields" ~bound (beside_rust 1 lwt_timer);
    timer "late/lwt-rust-100" "Lwt's, beside 100 Rust tasks that yield" ~bound (beside_rust 100 lwt_timer);
    timer "late/lwt-rust-10k" "Lwt's, beside 10,000 Rust tasks that yield" ~bound (beside_rust 10_000 lwt_timer);
    timer "late/worker" "Tokio's timer on a worker, beside nothing" (rust_timer timer_alone);
    timer "late/rust" "Tokio's in a #[func], beside nothing" (rust_timer timer_here);
    timer "late/rust-pause-1" "Tokio's in a #[func], beside a loop of Lwt.pause" ~bound
      (beside_lwt 1 (rust_timer timer_here));
    timer "late/rust-rust-10k" "Tokio's in a #[func], beside 10,000 Rust tasks that yield"
      (beside_rust 10_000 (rust_timer timer_here));
  ]
