(** What Lwt's keys are bound to ([Lwt.with_value]): what Lwt calls the sequence-associated storage. *)

type t
(** What was bound at some moment; an immediate value when nothing was. *)

val current : unit -> t
(** [current ()] is what is bound now. *)

val is_shown : bool
(** Whether Lwt shows its storage. Else Rust asks, and has it bound. *)

val cell : Obj.t
(** A reference, which Rust reads: while it holds [Obj.repr 0], nothing is bound. If Lwt's storage {!is_shown} it is that, a
    {!t}, and may be written. *)

val nothing : t
(** In which nothing is bound. *)

val under : t -> int -> unit
(** [under storage number] has Rust run the closure of that number with [storage] bound, and nothing else. Not where the
    storage {!is_shown}. *)

val refresh : unit -> unit
(** [refresh ()] is called before Rust reads {!cell}, which then knows what OCaml code has done since. So an external in which
    Rust may tick or poll is called by a function that refreshes first. *)

val refresh_in_callback : unit -> unit
(** [refresh_in_callback ()] is {!refresh} in a callback on a promise, where Lwt has its hook called with what is raised. So it raises
    nothing: what came is kept by {!Escaped}. *)
