(** Where dune builds, and what it builds from. *)

val build_context : inside_dune:string -> here:string -> string option
(** [build_context ~inside_dune ~here] is the folder of the dune file whose action runs in [here], seen from the project's. dune
    sets [INSIDE_DUNE] to the folder of its context, and runs a sandboxed action in a copy of that. *)

val absolute : string -> string
(** [absolute path] is without [.] and [..]. *)

val source : string -> string
(** [source path] is absolute: in a rule of dune's, of what is where dune builds, it is where that is in the sources. *)
