(** Puts Lwt right when an exception has left it in the middle of its own code. *)

val leave_all_wakeups : unit -> unit
(** [leave_all_wakeups ()] ends each [Lwt.wakeup] that Lwt believes it is still in. What these had deferred runs now. *)

val mend : unit -> unit
(** [mend ()] does all that can be done when a turn of the loop had no end: it leaves the wakeups, has the next tick asked for
    anew, and tells Rust of promises of which it has not heard. *)
