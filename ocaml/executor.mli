(** OCaml's part of the executor of the thread that runs Lwt: its beginning, its end, and calls that it refuses. *)

val this_thread : unit -> int
(** [this_thread ()] is the number of this thread. *)

external is_lwt_thread : unit -> bool = "ocaml_lwt_interop_is_lwt_thread" [@@noalloc]
(** [is_lwt_thread ()] is whether the executor is this thread's. *)

(** {1 Its state} *)

val lwt_thread : int option ref
(** The thread that Lwt's loop was last seen to run on, before the executor started. *)

val started : bool ref
(** Whether it has started, all of it. *)

val wake_descriptor : int ref
(** The descriptor that wakes the loop, from when Rust has its half of the executor; negative before. *)

val descriptor_event : Lwt_engine.event ref
(** By which Lwt's engine watches that descriptor. *)

val exiting : bool ref
(** [at_exit]'s hooks run: a first call now comes from one of Lwt's. *)

val exits : int ref
(** The thread on which they run. *)

(** {1 The beginning} *)

val start : unit -> unit
(** [start ()] starts it on this thread. It may be called again, until it returns. *)

val start_if_prepared : unit -> unit
(** [start_if_prepared ()] starts it, if a thread that does not run Lwt has called Rust, and this is the thread that runs Lwt. *)

val start_or_refuse : int -> string -> unit
(** [start_or_refuse reason what] is called by Rust for a call of [what] that cannot go on as it is. For the reason that the
    executor has not started, it starts it, if this is the thread that runs Lwt.

    @raise Rust_async.Misuse otherwise. *)

val configure :
  ?worker_threads:int ->
  ?thread_name:string ->
  ?max_blocking_threads:int ->
  ?thread_stack_size:int ->
  ?thread_keep_alive:float ->
  unit ->
  unit
(** See [Rust_async.configure]. *)

external stats : unit -> int * int * int * int * int = "ocaml_lwt_interop_stats"
(** [stats ()] is how many tasks, subscriptions, roots, objects and loans there are; see [Rust_async.stats]. *)

(** {1 The end} *)

val shutdown : ?timeout:float -> unit -> unit
(** See [Rust_async.shutdown]. *)

val when_shut_down : (unit -> unit) ref
(** What ends Lwt's loop when that has happened, in a program of Rust's. *)

val shutdown_after_exit_hooks : unit -> unit
(** [shutdown_after_exit_hooks ()] has {!shutdown} called after all hooks of [Lwt_main.at_exit] that there are now. *)

val after_fork : unit -> unit
(** [after_fork ()], in the child of a [fork], leaves the parent's executor to the parent. *)

val without_signals : (unit -> unit) -> unit
(** [without_signals f] calls [f] while this thread takes no signals. Their handlers run at the end, and what they raise is raised
    when [f] has done its work. *)
