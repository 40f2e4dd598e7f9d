(* The other half of src/probe.rs. *)

type place = Rust_half.place = Domain | Tokio | Thread | Blocking_pool | Rayon
type wait = Rust_half.wait = At_once | Yield | Tokio_timer | Lwt_timer | Tokio_task | Plain_thread

let begin_ = Rust_half.Probe.probe_begin
let counts = Rust_half.Probe.probe_counts
let saw = Rust_half.Probe.probe_saw

let nap () = Lwt_unix.sleep 0.001

let in_place = function
  | Domain -> "on_the_domain_thread"
  | Tokio -> "on_a_tokio_worker"
  | Thread -> "on_a_plain_thread"
  | Blocking_pool -> "on_a_blocking_thread_of_tokio"
  | Rayon -> "on_a_rayon_thread"

let elsewhere = [ Tokio; Thread; Blocking_pool; Rayon ]
let places = Domain :: elsewhere

let after = function
  | At_once -> "at_once"
  | Yield -> "after_a_yield"
  | Tokio_timer -> "after_a_tokio_timer"
  | Lwt_timer -> "after_a_lwt_timer"
  | Tokio_task -> "after_a_message_of_a_tokio_task"
  | Plain_thread -> "after_a_message_of_a_plain_thread"

(* What a law knows of the polls and wakes of its probe. *)
type expected =
  | Exactly of int * int  (** Polls and wakes. *)
  | Raced of int
      (** Another thread may have answered before the poll looked, or after it, or while it did, when it is woken and finds
          the answer all the same: at most so many wakes, and at most a poll more than those. *)
  | Never_woken of int  (** At most so many polls: the task may have been aborted before its first. *)

let describe (polls, wakes, drops, misplaced) =
  Printf.sprintf "%d polls, %d wakes, %d drops, %d misplaced" polls wakes drops misplaced

let read_counts () = Law.now (counts ())

(* Dropped once, polled and woken as often as it must be, and all of that in its place. *)
let check expected =
  let allowed (polls, wakes, drops, misplaced) =
    drops = 1 && misplaced = 0
    &&
    match expected with
    | Exactly (p, w) -> polls = p && wakes = w
    | Raced most -> wakes <= most && 1 <= polls && polls <= wakes + 1
    | Never_woken most -> wakes = 0 && polls <= most
  in
  let read () =
    let counts = read_counts () in
    if allowed counts then "as expected" else describe counts
  in
  (* The thread of the probe may still be about to drop it. *)
  Law.eventually "the probe" read "as expected"

let live_memory = Rust_half.Memory.memory_live

(* How much more Rust keeps than [bytes]. Waited for: a thread that has told us that it is done has yet to end. *)
let rust_keeps_little ~than:bytes limit =
  let read () =
    let more = Law.now (live_memory ()) - bytes in
    if more <= limit then "little" else Printf.sprintf "%d bytes more" more
  in
  Law.eventually "what Rust keeps" read "little"
