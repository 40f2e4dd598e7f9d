(* Chapter 12: debugging. *)

(* -- what a message says -- *)
open Lwt.Syntax
open Links.Debugging

let what_a_message_says () =
  let say f = Lwt.catch f (fun exn -> Lwt.return (print_endline (Printexc.to_string exn))) in
  let* () = say (fun () -> Lwt.map (Printf.printf "%d bytes\n") (size "/no/such/file")) in
  let* () = say (fun () -> Lwt.map (Printf.printf "%d bytes\n") (size "\255")) in
  let watcher = Watcher.create () in
  Watcher.close watcher;
  say (fun () -> Lwt.return (Watcher.forget watcher))

(* -- what is alive -- *)
let show what =
  Gc.full_major ();
  let { Rust_async.tasks; subscriptions; roots; objects; loans } = Rust_async.stats () in
  Printf.printf "%s: tasks %d, subscriptions %d, roots %d, objects %d, loans %d\n" what tasks subscriptions roots objects
    loans

(* Rust lets go soon after a collection, and not in it. *)
let rec collect_until is_so =
  Gc.full_major ();
  if is_so (Rust_async.stats ()) then Lwt.return_unit
  else Lwt.bind (Lwt_unix.sleep 0.001) (fun () -> collect_until is_so)

let what_is_alive () =
  let+ () = collect_until (fun { objects; _ } -> objects = 0) in
  show "nothing"

(* -- a task that waits -- *)
let a_task_that_waits () =
  let waits = wait_for_ever () in
  show "it waits";
  Lwt.cancel waits;
  let+ () = collect_until (fun { tasks; _ } -> tasks = 0) in
  show "it is cancelled"

(* -- a leak -- *)
(* Its own function holds the watcher. *)
let watch () =
  let watcher = Watcher.create () in
  Watcher.on_change watcher (fun _ -> Watcher.forget watcher)

(* A weak pointer does not. *)
let watch_weakly () =
  let watcher = Watcher.create () in
  let weak = Weak.create 1 in
  Weak.set weak 0 (Some watcher);
  Watcher.on_change watcher (fun _ -> Option.iter Watcher.forget (Weak.get weak 0))

let a_leak () =
  watch ();
  show "a cycle";
  watch_weakly ();
  let+ () = collect_until (fun { objects; roots; _ } -> objects = 1 && roots = 1) in
  show "and one that is weak"

(* -- -- *)
let () =
  Chapter.run
    [
      ("what a message says", what_a_message_says);
      ("what is alive", what_is_alive);
      ("a task that waits", a_task_that_waits);
      ("a leak", a_leak);
    ]
