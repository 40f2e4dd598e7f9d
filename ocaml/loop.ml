external enter_turn : unit -> int = "ocaml_lwt_interop_enter_turn" [@@noalloc]
external leave_turn : unit -> unit = "ocaml_lwt_interop_leave_turn" [@@noalloc]

(* Where [Lwt_main.run] lets what a hook raises pass. *)
let raise_escaped () =
  Mending.mend ();
  leave_turn ();
  Escaped.raise_first ()

(* What was resolved in a hook may be what [Lwt_main.run] waits for, so the loop must not block in its engine now. *)
let not_block () = if Lwt.paused_count () = 0 then ignore (Lwt.pause () : unit Lwt.t)

let tick_in_hook () =
  if Lwt.paused_count () = 0 then Ticks.lost_pause ();
  Ticks.tick false;
  if Escaped.any () then raise_escaped ();
  not_block ()

let wrong_thread () =
  (* [exit] on another thread runs the hooks there. *)
  if not !Executor.exiting then
    Errors.refuse
      "Lwt_main.run was called on thread %d, but Rust functions were called before on another one, which is the thread \
       whose promises they are: run Lwt on the thread that calls them first"
      (Executor.this_thread ())

(* What [enter_turn] has found; the bits are those of exports/turns.rs. *)
let attend found =
  let is bit = found land bit <> 0 in
  if is 32 then wrong_thread ()
  else if is 16 then begin
    Executor.after_fork ();
    not_block ()
  end
  else begin
    if is 8 then Mending.mend ();
    if is 4 then raise_escaped ();
    if is 1 then tick_in_hook ();
    if is 2 then Thread.yield ()
  end

(* The beginning of a turn. A tick here polls a task that a stub has queued, so that it costs no turn of its own. And a blocking
   thread that waits for the runtime lock gets it here: from a loop that never sleeps it would get it only after 50 ms. *)
let on_turn () =
  if !Executor.exiting then Exiting.stop_for_exit ();
  Exiting.in_turn := true;
  if not !Executor.started then begin
    Executor.lwt_thread := Some (Executor.this_thread ());
    if !Executor.wake_descriptor >= 0 && Executor.is_lwt_thread () then Executor.start () else Executor.start_if_prepared ()
  end
  else
    let found = enter_turn () in
    if found <> 0 then attend found

(* The end of a turn, before [Lwt_main.run] looks whether its promise is settled. *)
let on_end_of_turn () =
  Exiting.in_turn := false;
  if !Executor.exiting then Exiting.stop_for_exit ();
  if !Executor.started then begin
    leave_turn ();
    if Escaped.any () then raise_escaped ()
  end
