(* What has to hold: how a program has ended, and what is left of all of them. What does not, `problem …` on standard output tells
   the parent. *)

open Lwt.Syntax

let patience = ref 20.
let say format = Printf.printf (format ^^ "\n%!")

(* What a host keeps for as long as it lives. *)
let kept_roots = ref (-1)

let of_the_process () = if !kept_roots < 0 then kept_roots := (Rust_async.stats ()).roots

(* What is left of the programs that ended. *)
let left () =
  (* The runtime keeps the last exception that was raised with a backtrace, and all that it holds. *)
  (try raise (Sys.opaque_identity Exit) with Exit -> ());
  Gc.full_major ();
  let { Rust_async.tasks; subscriptions; roots; objects; loans } = Rust_async.stats () in
  let made, dropped, misplaced, unheard = Rust_half.Counts.counts () in
  let lent = List.length (List.filter (fun array -> Lwt_bytes.length array = 0) !Perform.lent) in
  ( Printf.sprintf
      "%d tasks, %d subscriptions, %d roots, %d objects, %d loans, %d futures, %d arrays, %d OCaml functions, %d panics that nobody heard of"
      tasks subscriptions (roots - max 0 !kept_roots) objects loans (made - dropped) lent
      (!Perform.started - !Perform.ended)
      (max 0 (unheard - !Perform.heard)),
    misplaced )

let nothing =
  "0 tasks, 0 subscriptions, 0 roots, 0 objects, 0 loans, 0 futures, 0 arrays, 0 OCaml functions, 0 panics that nobody heard of"

let rec until_nothing_is_left since =
  let left, misplaced = left () in
  if misplaced > 0 then Perform.problem "%d futures of home's were dropped in other places" misplaced;
  if left = nothing then Lwt.return_unit
  else if Unix.gettimeofday () > since +. !patience then Lwt.return (Perform.problem "left when all have ended: %s" left)
  else
    let* () = Lwt_unix.sleep 0.001 in
    until_nothing_is_left since

let check allowed ending =
  let seen =
    match ending with
    | Ok value -> Some (Model.Value value)
    | Error exn -> Option.map (fun error -> Model.Error error) (Perform.error_of exn)
  in
  let is_allowed = match seen with None -> false | Some seen -> List.exists (fun ending -> compare ending seen = 0) allowed in
  if not is_allowed then
    let shown =
      match (ending, seen) with
      | _, Some seen -> Model.describe seen
      | Error exn, None -> Printexc.to_string exn
      | Ok _, None -> assert false
    in
    Perform.problem "ended with %s, and may end with: %s" shown (String.concat ", " (List.map Model.describe allowed))

let tell () = List.iter (fun text -> say "problem %s" text) (List.sort_uniq compare !Perform.problems)

let report () =
  if !Perform.problems <> [] then begin
    tell ();
    exit 1
  end

let memory () =
  Perform.forget ();
  Gc.compact ();
  ((Gc.stat ()).live_words, Rust_half.Counts.live_bytes ())

let words_may_grow = 64 * 1024
let bytes_may_grow = 512 * 1024

(* Behind hundreds of cases. *)
let memory_is_flat (words_before, bytes_before) =
  let words, bytes = memory () in
  if words - words_before > words_may_grow then Perform.problem "OCaml keeps %d words more" (words - words_before);
  if bytes - bytes_before > bytes_may_grow then Perform.problem "Rust keeps %d bytes more" (bytes - bytes_before)

(* A callback at each allocation, which allocates. *)
let profile () =
  let called _ = Some (Sys.opaque_identity (ref 0)) in
  let tracker =
    { Gc.Memprof.alloc_minor = called; alloc_major = called; promote = (fun kept -> Some (ref !kept)); dealloc_minor = ignore; dealloc_major = ignore }
  in
  (* OCaml 5.0 to 5.2 have none. *)
  try ignore (Gc.Memprof.start ~sampling_rate:0.1 ~callstack_size:5 tracker) with Failure _ -> ()
[@@ocamlformat "disable"]
