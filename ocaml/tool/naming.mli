(** What is called how in the declarations of a library. *)

open Description

val types_of_func : func -> ty list
(** [types_of_func f] is that of its result, and those of its arguments. *)

val taken : library -> string list
(** [taken library] is the modules that its types are in, which no declared module may be called as. *)

val path : crate:string -> taken:string list -> string list -> string list
(** [path ~crate ~taken path] is the modules of what has that path in Rust; those of [crate] stand at the top. *)

val has_module : declared -> bool
(** [has_module t] is whether it has a module of its own: an object, an interface. *)

val own : string
(** What the type of such a module is called there. *)

val type_name : library -> string -> string
(** [type_name library name] is what a type is called at the top. *)
