(** [rust-async declare]: the declarations of a library. *)

val description : string -> Description.library
(** [description library] is what the library for bytecode at that path says.
    @raise Fail.Refused where it cannot be loaded. *)

val check : string -> unit
(** [check library] looks for functions of two crates that have one symbol.
    @raise Fail.Refused where there are any. *)

val run : ?crate:string -> ?alone:bool -> ?elsewhere:(string * string) list -> library:string -> string -> unit
(** [run ~library "hello"] loads the library for bytecode at that path, and writes [hello.ml] and [hello.mli]. [crate] is the crate
    whose functions stand at the top; it need not be said where one crate alone has functions. With [alone], nothing is declared of
    the other crates. [elsewhere] are crates whose types are not declared, each with the module that declares them.
    @raise Fail.Refused where something has no declaration. *)
