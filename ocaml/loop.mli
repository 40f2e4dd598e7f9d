(** What happens in each turn of Lwt's loop: the hooks of [Lwt_main.run]. They raise what {!Escaped} keeps. *)

val on_turn : unit -> unit
(** [on_turn ()] is the hook at the beginning of a turn. *)

val on_end_of_turn : unit -> unit
(** [on_end_of_turn ()] is the hook at the end of a turn. *)
