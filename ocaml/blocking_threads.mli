(** Blocking threads: threads for OCaml functions that block. *)

val start : int -> string
(** [start id] makes a thread, which takes calls from Rust's queue until Rust says that it is to end. It is empty, or says why
    there is no thread. *)
