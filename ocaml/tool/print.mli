(** OCaml's declarations of what a Rust library has. *)

type file = Implementation | Interface

val file : file -> crate:string -> Description.library -> string
(** [file file ~crate library] is the text of [file]: first all types, then exceptions and functions, in modules as in Rust. Those of [crate]
    stand at the top. *)

val is_plain_container : string -> bool
(** [is_plain_container name] is whether the type of that name lets a row of polymorphic variants be what it is outside of it: a
    parameter of another one may be that of a function. *)
