(* [exit] on a thread that does not run Lwt has Lwt's hooks run a loop there, while the loop of Lwt's thread may wait in its
   engine. Two threads in one engine are libev's abort, or two reads of one notification, of which the second blocks with
   OCaml's lock (seen with Lwt 5.6 alone). So Lwt's thread is woken, and stops between two turns, until the process is gone. *)

(* Whether Lwt's thread is in its engine, or in what that calls. *)
let in_turn = ref false

let stopped = ref false

let while_stopped = ref (fun () -> try Thread.delay 60. with _ -> ())

let stop_for_exit () =
  if !Executor.exits <> Executor.this_thread () then begin
    stopped := true;
    while true do
      !while_stopped ()
    done
  end

(* Before the executor has started, Lwt's thread is the one whose loop was seen. *)
let is_lwt_thread () = if !Executor.started then Executor.is_lwt_thread () else !Executor.lwt_thread = Some (Executor.this_thread ())

(* A callback that blocks may keep Lwt's thread in its turn: then nobody is in the engine. *)
let stop_lwt_thread () =
  if !in_turn && not (is_lwt_thread ()) then begin
    Lwt_unix.send_notification (Lwt_unix.make_notification ~once:true ignore);
    let deadline = Unix.gettimeofday () +. 1. in
    while (not !stopped) && Unix.gettimeofday () < deadline do
      Thread.delay 0.001
    done;
    (* A wake would find the wrong thread. *)
    Lwt_engine.stop_event !Executor.descriptor_event
  end

(* In a worker domain's job: the process ends, and the rest is Lwt's thread's. *)
let exit () =
  if Domains.is_main () then begin
    (* Something may wait for Lwt's thread, which has never called Rust. Where Rust cannot start, it is the process that ends. *)
    (try Executor.start_if_prepared () with _ -> ());
    Executor.exits := Executor.this_thread ();
    Executor.exiting := true;
    stop_lwt_thread ();
    (* [exit] may have been called by any callback, which Lwt's own hooks wait for: Lwt itself ends one level of them. *)
    Mending.leave_all_wakeups ();
    Escaped.drop_all ();
    if !Executor.started then Executor.shutdown_after_exit_hooks ()
  end
