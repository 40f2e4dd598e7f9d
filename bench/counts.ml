(* What an operation does, which no other program on the machine can disturb: for finding out why it takes its time. *)

open Lwt.Syntax

type t = {
  case : Case.t;
  turns : float;  (** of Lwt's loop *)
  words : float;  (** allocated by OCaml *)
  allocations : float;  (** by Rust *)
  switches : float;  (** of threads that had to wait: each is a system call that slept *)
}

external count_heap : bool -> unit = "bench_count_heap"
external allocations : unit -> int = "bench_allocations"

let turns = ref 0

let with_turns_counted f =
  let hook = Lwt_main.Enter_iter_hooks.add_first (fun () -> incr turns) in
  Lwt.finalize f (fun () ->
      Lwt_main.Enter_iter_hooks.remove hook;
      Lwt.return_unit)

let words () =
  let minor, promoted, major = Gc.counters () in
  minor +. major -. promoted

(* Of all threads. *)
let switches () = Process.voluntary_switches ()

let run case =
  let steps = match case.Case.steps with Some steps -> steps | None -> max 1 (10_000 / case.size) in
  with_turns_counted (fun () ->
      (* Once before, so that what is made once is there. *)
      let* (_ : int) = case.run 1 in
      Gc.full_major ();
      turns := 0;
      let words_before = words () and switches_before = switches () in
      count_heap true;
      let+ (_ : int) = case.run steps in
      let allocations = allocations () in
      count_heap false;
      let each n = n /. float (steps * case.size) in
      {
        case;
        turns = each (float !turns);
        words = each (words () -. words_before);
        allocations = each (float allocations);
        switches = each (float (switches () - switches_before));
      })
