(* What is noted while plans are performed: what does not hold, which exceptions were raised, which panics nobody waited for. *)

open Rust_half

exception Planned of int

(* What does not hold. Whoever finds something says it here, on whichever thread. *)
let problems : string list ref = ref []
let problem format = Printf.ksprintf (fun text -> problems := text :: !problems) format

(* The exceptions that were raised: one that comes back is one of them, and no copy. *)
let raised : exn list Atomic.t = Atomic.make []

(* No lock: a signal handler that raises would leave it locked. *)
let rec change place f =
  let before = Atomic.get place in
  if not (Atomic.compare_and_set place before (f before)) then change place f

let planned n =
  let exn = Planned n in
  change raised (List.cons exn);
  exn

let has_prefix prefix text = String.length text > String.length prefix && String.sub text 0 (String.length prefix) = prefix

let contains ~part text =
  let n = String.length part in
  let rec look i = i + n <= String.length text && (String.sub text i n = part || look (i + 1)) in
  look 0

let number_behind prefix text =
  let n = String.length prefix in
  if has_prefix prefix text then int_of_string_opt (String.sub text n (String.length text - n)) else None

let error_of exn =
  match exn with
  | Planned n ->
      if not (List.memq exn (Atomic.get raised)) then problem "exception %d is a copy of the one that was raised" n;
      Some (Model.Planned n)
  | Rust_async.Rust_error { message; _ } ->
      Option.map (fun n -> Model.Rust_error n) (number_behind "planned error " message)
  | Rust_async.Rust_panic { message; _ } ->
      Option.map (fun n -> Model.Rust_panic n) (number_behind "planned panic " message)
  | Run.Declared { number } -> Some (Declared_in_rust number)
  | Lwt.Canceled -> Some Canceled
  | Rust_async.Broken_promise -> Some Broken
  | Lwt_unix.Timeout -> Some Timed_out
  | Rust_async.Misuse message when contains ~part:"was shut down" message || contains ~part:"after Rust_async.shutdown" message -> Some Over
  | _ -> None

(* Panics of tasks that nobody waits for. *)
let heard = ref 0

let hear exn =
  match error_of exn with
  | Some (Model.Rust_panic _) -> incr heard
  | _ -> problem "the hook for asynchronous exceptions hears of %s" (Printexc.to_string exn)
