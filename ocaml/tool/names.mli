(** Rust's names in OCaml. *)

val value : string -> string
(** [value name] is a value, a field or a type: [some_name] for [SomeName], and [type_] for [type]. *)

val types : string list
(** The types that OCaml has without a module, and that of declarations. *)

val type_ : ?taken:string list -> string -> string
(** [type_ name] is as {!value}, and no type that OCaml has, or that is [taken]: [list_] for [List]. *)

val constructor : string -> string
(** [constructor name] begins with a capital letter. *)

val module_ : taken:string list -> string -> string
(** [module_ ~taken name] is a module that is called otherwise than those of [taken]. *)

val tag_number : string -> int
(** [tag_number name] is what [`name] is at run time; a type with two tags of one number is refused by OCaml. *)

val is_possible : string -> bool
(** [is_possible name] is whether OCaml takes it: letters of ASCII, digits and [_], no digit first. *)
