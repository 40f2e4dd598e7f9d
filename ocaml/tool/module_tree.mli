(** The OCaml modules that declarations stand in: a tree, in the order of Rust's. *)

type t = {
  object_ : Description.declared option;  (** the object whose module it is *)
  inside_exceptions : Description.exception_ list;
  inside : Description.func list;
  modules : (string * t) list;
}

val empty : t

val insert : (t -> t) -> t -> string list -> t
(** [insert add tree path] has [add] put something into the module at the end of [path], which is made where it is missing. *)
