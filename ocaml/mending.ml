(* An exception that leaves [Lwt.wakeup] leaves Lwt as if it were still in there: callbacks that Lwt defers ([Lwt.wakeup_later])
   wait for the end of it for ever. [Lwt.abandon_wakeups] ends one level, and does nothing where there is none. *)

let is_deferring () =
  let promise, resolver = Lwt.wait () in
  let deferred = ref true in
  Lwt.on_success promise (fun () -> deferred := false);
  Lwt.wakeup_later resolver ();
  !deferred

let rec leave_all_wakeups () =
  if is_deferring () then begin
    (* What was deferred runs now. *)
    (try Lwt.abandon_wakeups () with exn -> Escaped.keep exn);
    leave_all_wakeups ()
  end

(* An exception has left a turn, perhaps in the midst of Lwt's own code. What can be made good is. *)
let mend () =
  leave_all_wakeups ();
  Ticks.lost_pause ();
  Lwt_to_rust.resume_subscriptions ()
