(** Rust's names in OCaml. *)

val value : string -> string
(** [value name] is a value, a field or a type: [some_name] for [SomeName], and [type_] for [type]. *)

val type_ : string -> string
(** [type_ name] is as {!value}, and no type that OCaml has: [list_] for [List]. *)

val constructor : string -> string
(** [constructor name] begins with a capital letter. *)

val module_ : taken:string list -> string -> string
(** [module_ ~taken name] is a module that is called otherwise than those of [taken]. *)

val is_ascii : string -> bool
(** [is_ascii name] is whether OCaml takes it: letters, digits and [_]. *)
