(** [rust-async build]: the libraries of a crate, and their declarations, where a dune rule wants them. *)

val build_context : inside_dune:string -> here:string -> string option
(** [build_context ~inside_dune ~here] is the folder of the dune file whose action runs in [here], seen from the project's. dune
    sets [INSIDE_DUNE] to the folder of its context, and runs a sandboxed action in a copy of that. *)

(** What is left where the rule runs: each is with what stands before it. *)
type wanted =
  | Static_library  (** [libhello_stubs.a] *)
  | Libraries  (** [dllhello_stubs.so], for bytecode *)
  | Declarations  (** [hello.ml] and [hello.mli] *)

val run : profile:string -> wanted:wanted -> ?manifest:string -> ?module_:string -> string -> unit
(** [run ~profile ~wanted "hello"] has cargo build the crate [hello] of the folder that the dune file is in, for
    [(foreign_archives hello_stubs)]. [module_] is another name for the declarations.

    dune's profile [release] is cargo's, and every other is cargo's [dev]. [manifest] is the path of [Cargo.toml] from that folder.
    @raise Fail.Refused where cargo fails, or something has no declaration. *)
