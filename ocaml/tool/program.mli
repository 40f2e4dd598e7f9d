(** Programs of others. *)

val run : string -> string list -> unit
(** [run "cargo" arguments] runs it with this program's input and outputs, and waits for its end.
    @raise Fail.Refused where it is not there, or ends with another exit code than 0. *)
