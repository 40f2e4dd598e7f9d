(** What a command ends with that cannot do what it was asked for. *)

exception Refused of string list
(** The lines that the user reads. *)

val with_ : string list -> 'a
(** @raise Refused always. *)

val with_f : ('a, unit, string, 'b) format4 -> 'a
(** [with_ [ Printf.sprintf … ]] *)
