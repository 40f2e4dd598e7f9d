(** OCaml's declarations of what a Rust library has. *)

type file = Implementation | Interface

val problems : crate:string -> Description.library -> string list
(** [problems ~crate library] is why [library] cannot be declared, one line each: types that OCaml does not have, and two of one
    name. *)

val file : file -> crate:string -> Description.library -> string
(** [file file ~crate library] is the text of [file]: first all types, then exceptions and functions, in modules as in Rust. Those of [crate]
    stand at the top. *)

val is_plain_container : string -> bool
(** [is_plain_container name] is whether the type of that name lets a row of polymorphic variants be what it is outside of it: a
    parameter of another one may be that of a function. *)

val shared_symbols : Description.library -> string list
(** [shared_symbols library] is one problem for each symbol that two functions have, of one crate or of two. *)
