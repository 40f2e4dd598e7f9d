(* Chapter 12: debugging. *)

(* -- a leak -- *)
open Links.Debugging

let show what =
  Gc.full_major ();
  let { Rust_async.tasks; subscriptions; roots; objects; loans } = Rust_async.stats () in
  Printf.printf "%s: %d tasks, %d subscriptions, %d roots, %d objects, %d loans\n" what tasks subscriptions roots objects
    loans

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

(* Destructors run soon after the collection, and not in it. *)
let rec collect_until is_so =
  Gc.full_major ();
  if is_so (Rust_async.stats ()) then Lwt.return_unit
  else Lwt.bind (Lwt_unix.sleep 0.001) (fun () -> collect_until is_so)

let a_leak () =
  show "at first";
  watch ();
  show "a cycle";
  watch_weakly ();
  Lwt.map (fun () -> show "and one that is weak") (collect_until (fun { objects; roots; _ } -> objects = 1 && roots = 1))

(* -- a task that waits -- *)
let a_task_that_waits () =
  let waits = wait_for_ever () in
  show "it waits";
  Lwt.cancel waits;
  Lwt.map (fun () -> show "it is cancelled") (collect_until (fun { tasks; _ } -> tasks = 0))

(* -- -- *)
let () = Chapter.run [ ("a leak", a_leak); ("a task that waits", a_task_that_waits) ]
