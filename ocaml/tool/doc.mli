(** Rust's doc comments as odoc's. *)

type t = {
  before : string;  (** lines before the item *)
  after : string;  (** behind it, on its line *)
}

val item : indent:string -> string -> t
(** [item ~indent text] is where [text], as Rust has it, stands with an item of a signature. *)

val part : string -> string
(** [part text] is [text] behind a field or a constructor. *)
