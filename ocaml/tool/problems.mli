(** What cannot be declared, and why. *)

open Description

val shared_symbols : library -> string list
(** [shared_symbols library] is one problem for each symbol that two functions have, of one crate or of two. *)

val problems : crate:string -> library -> string list
(** [problems ~crate library] is why [library] cannot be declared, one line each: types that OCaml does not have, and two of one
    name. *)
