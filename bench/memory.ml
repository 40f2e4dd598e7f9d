(* What a call takes up while it is pending. *)

open Lwt.Syntax

type t = {
  name : string;
  what : string;
  make : unit -> unit Lwt.t;  (** a pending call, or what it is compared with *)
  finish : unit Lwt.t -> unit;
  finish_all : unit -> unit;
}

type result = {
  kind : t;
  calls : int;
  rust : float;  (** bytes of Rust's heap for a call *)
  ocaml : float;  (** bytes of OCaml's heap for a call *)
  resident : float;  (** bytes by which the process grew for a call *)
  left : float;  (** bytes of both heaps for a call after all have ended *)
  peak : int;  (** bytes of the process, at most *)
}

external count_heap : bool -> unit = "bench_count_heap"
external rust_heap : unit -> int = "bench_heap"
external tokio_pending : unit -> unit = "bench_alone_tokio_pending"
external tokio_drop : unit -> unit = "bench_alone_tokio_drop"
external executor_pending : unit -> unit = "bench_alone_executor_pending"
external executor_drop : unit -> unit = "bench_alone_executor_drop"

let ocaml_heap () =
  Gc.full_major ();
  (Gc.stat ()).live_words * (Sys.word_size / 8)

let pending ?(finish = Lwt.cancel) ?(finish_all = ignore) name what make = { name; what; make; finish; finish_all }

let lwt_pending () = fst (Lwt.task ())

let await_pending () = Rust_half.Callbacks.bench_await (lwt_pending ())

let alone make () =
  make ();
  Lwt.return_unit

let all =
  [
    pending "memory/lwt" "a promise of Lwt.task" lwt_pending;
    pending "memory/tokio" "a task of Tokio's" (alone tokio_pending) ~finish_all:tokio_drop;
    pending "memory/executor" "a task of async-executor's" (alone executor_pending) ~finish_all:executor_drop;
    pending "memory/call" "a call of Rust" Rust_half.Calls.bench_never;
    pending "memory/await" "a call of Rust that awaits a pending promise" await_pending;
  ]

(* What cancelled futures leave to be done is done in the next ticks. *)
let rec all_gone turns =
  let { Rust_async.tasks; subscriptions; roots = _; objects = _; loans = _ } = Rust_async.stats () in
  if tasks + subscriptions = 0 then Lwt.pause ()
  else if turns = 0 then failwith (Printf.sprintf "%d tasks and %d subscriptions are left" tasks subscriptions)
  else Lwt.bind (Lwt.pause ()) (fun () -> all_gone (turns - 1))

let run calls kind =
  let promises = Array.make calls Lwt.return_unit in
  let ocaml_before = ocaml_heap () in
  Process.forget_peak ();
  let resident_before = Process.resident () in
  count_heap true;
  for i = 0 to calls - 1 do
    promises.(i) <- kind.make ()
  done;
  let* () = Lwt.pause () in
  let resident = Process.resident () - resident_before in
  let ocaml = ocaml_heap () - ocaml_before in
  let rust = rust_heap () in
  Array.iter kind.finish promises;
  kind.finish_all ();
  Array.fill promises 0 calls Lwt.return_unit;
  let* () = all_gone 100_000 in
  let left = ocaml_heap () - ocaml_before + rust_heap () in
  count_heap false;
  let each bytes = float bytes /. float calls in
  Lwt.return
    {
      kind;
      calls;
      rust = each rust;
      ocaml = each ocaml;
      resident = each resident;
      left = each left;
      peak = Process.peak ();
    }
