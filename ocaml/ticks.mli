(** Ticks: Rust's turns on the thread that runs Lwt, and how they are asked for. *)

val tick : bool -> unit
(** [tick from_pause] has Rust run what is queued. [from_pause] says that it is the tick that {!arm} asked for. *)

val arm : unit -> unit
(** [arm ()] asks for a tick after the loop's next pause. *)

val on_readable : Lwt_engine.event -> unit
(** [on_readable event] is what the engine calls when Rust's wake descriptor can be read. It raises nothing. *)

external lost_pause : unit -> unit = "ocaml_lwt_interop_lost_pause" [@@noalloc]
(** [lost_pause ()] says that the pause for which {!arm} was called may not come any more. *)
