(** How ocamlopt makes the object file of a program of Rust's. *)

val write : string -> unit
(** [write path] writes the flags, for dune's [(link_flags (:include …))]. *)
