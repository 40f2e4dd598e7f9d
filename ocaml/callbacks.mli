(** What Rust calls. *)

type t
(** A record of functions, and a few values, which Rust knows by their order. *)

val all : t
(** [all] is that record, which Rust is given when its executor starts. *)
