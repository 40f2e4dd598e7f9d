(** The end of the process, and of the thread that runs Lwt when the process ends on another one. *)

val exit : unit -> unit
(** [exit ()] is the hook of [at_exit]. *)

val in_turn : bool ref
(** Whether Lwt's thread is in its engine, or in what that calls. *)

val stop_for_exit : unit -> unit
(** [stop_for_exit ()], while the process exits, does not return on any thread but the one that exits. *)

val while_stopped : (unit -> unit) ref
(** What a thread does again and again that stops for an exit. It may raise where the process goes on. *)
